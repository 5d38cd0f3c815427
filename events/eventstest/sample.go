package eventstest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"parley/events"
)

// Sample is one realistic event of a kind, stamped and ready to append; it is
// the same in every run. Each kind has an aggregate and a key owner of its own.
// A kind without a sample panics: the golden test walks all of them.
func Sample(kind events.Kind) events.Event {
	s := sampler{string(kind)}
	body := s.body(kind)
	if body == nil {
		panic(fmt.Sprintf("eventstest has no sample of %s", kind))
	}
	e := events.Event{
		ID:          events.EventID(s.ulid("event")),
		Aggregate:   s.aggregate(kind),
		Time:        Began.Add(1234 * time.Millisecond),
		Actor:       events.Actor(s.account()),
		Correlation: "request-7",
		Body:        body,
	}
	s.envelope(&e)
	return e
}

// sampler names things after a kind.
type sampler struct{ seed string }

func (s sampler) ulid(what string) string {
	sum := sha256.Sum256([]byte(what + " of " + s.seed))
	var id ulid.ULID
	copy(id[6:], sum[:])
	if err := id.SetTime(ulid.Timestamp(Began)); err != nil {
		panic(err)
	}
	return id.String()
}

func (s sampler) session() events.SessionID { return events.SessionID(s.ulid("session")) }
func (s sampler) account() events.AccountID { return events.AccountID(s.ulid("account")) }
func (s sampler) topic() events.TopicID     { return events.TopicID(s.ulid("topic")) }
func (s sampler) upload() events.UploadID   { return events.UploadID(s.ulid("upload")) }

func (s sampler) sha256(what string) string {
	sum := sha256.Sum256([]byte(what + " of " + s.seed))
	return hex.EncodeToString(sum[:])
}

// aggregate is whose stream the kind belongs to.
func (s sampler) aggregate(kind events.Kind) events.Aggregate {
	switch kind {
	case events.KindAccountRegistered, events.KindAccountDeleteRequested, events.KindAccountErasurePlanned, events.KindAccountErased,
		events.KindAccountCredentialAdded, events.KindAccountCredentialRenamed, events.KindAccountCredentialUsed, events.KindAccountCredentialRemoved,
		events.KindAccountRoleGranted, events.KindAccountRoleWithdrawn,
		events.KindAccountInvited, events.KindAccountInvitationWithdrawn, events.KindAccountResetAllowed:
		return s.account().Aggregate()
	case events.KindEmailClaimed, events.KindEmailReleased:
		return events.EmailAggregate(s.sha256("email"))
	case events.KindIdentityClaimed, events.KindIdentityReleased:
		return events.IdentityAggregate(s.sha256("identity"))
	case events.KindTopicAdded, events.KindTopicRevised, events.KindTopicRetired, events.KindTopicErased:
		return s.topic().Aggregate()
	case events.KindClaimErased:
		return events.EmailAggregate(s.sha256("email"))
	case events.KindCallClaimed:
		return events.CallAggregate(s.sha256("call"))
	case events.KindAuditInterrupted:
		return events.AuditOfHour(Began, 3)
	}
	if kind.OnAuditTrail() {
		return events.AuditOf(s.account())
	}
	return s.session().Aggregate()
}

// envelope adds what only some events carry.
func (s sampler) envelope(e *events.Event) {
	switch e.Body.(type) {
	case *events.SegmentPlaced, *events.SegmentTranscribed, *events.SegmentTimed, *events.OutboxReceived:
		e.Via, e.N, e.Outbox = events.ViaBrowser, 12, events.NumbersOf(12, 13, 14, 17)
		e.ID = events.EventID(fmt.Sprintf("%s-12-0", s.session()))
	case *events.UsageRecorded:
		e.Via = events.ViaSideband
	case *events.AudioFinalized, *events.AudioMeasured, *events.AudioRejected, *events.SessionErased, *events.AccountErased,
		*events.AccountErasurePlanned, *events.TopicErased, *events.AuditErased:
		e.Actor, e.Causation, e.Correlation = events.System("worker"), events.EventID(s.ulid("cause")), ""
	case *events.ClaimErased:
		e.Actor, e.Correlation = events.System("eraser"), ""
	}
}

func (s sampler) body(kind events.Kind) events.Body {
	for _, sample := range []func(events.Kind) events.Body{s.ofCall, s.ofTurn, s.ofLife, s.ofSaving, s.ofAccount, s.ofCredential, s.ofInvitation, s.ofTopic, s.ofAudit, s.ofErasure} {
		if body := sample(kind); body != nil {
			return body
		}
	}
	return nil
}

func (s sampler) ofCall(kind events.Kind) events.Body {
	expires := Began.Add(time.Minute)
	ends := Began.Add(time.Hour)
	switch kind {
	case events.KindTokenIssued:
		return &events.TokenIssued{Call: 1, ExpiresAt: expires, MintMS: 183}
	case events.KindTokenRefreshed:
		return &events.TokenRefreshed{Call: 2, ExpiresAt: expires, MintMS: 171}
	case events.KindTokenRefreshFailed:
		return &events.TokenRefreshFailed{Call: 2, Class: "rate_limited", Retryable: true}
	case events.KindCallConnected:
		return &events.CallConnected{Call: 1, ProviderCall: s.sha256("call"), SinceClickMS: 912, AtMS: 1040, RecMS: new(int64(310))}
	case events.KindCallDescribed:
		return &events.CallDescribed{Call: 1, EndsAt: &ends, PrefixPaddingMS: new(int64(300))}
	case events.KindCallClaimed:
		return &events.CallClaimed{Session: s.session(), Call: 1}
	case events.KindCallFollowed:
		return &events.CallFollowed{Call: 1, Private: events.ProviderCall{ID: "rtc_u1_9c5b6c9e0b3d4d0f"}}
	case events.KindCallDropped:
		return &events.CallDropped{Call: 1, Cause: "ice_failed"}
	case events.KindResponseMeasured:
		return &events.ResponseMeasured{Call: 1, Response: "resp_001", AfterMS: 640}
	case events.KindUsageRecorded:
		return &events.UsageRecorded{Call: 1, Response: "resp_001", Tokens: map[string]int64{"input_audio": 211, "output_audio": 97}}
	}
	return nil
}

func (s sampler) ofTurn(kind events.Kind) events.Body {
	switch kind {
	case events.KindSegmentPlaced:
		return &events.SegmentPlaced{Call: 1, Item: "item_002", Previous: new("item_001"), Speaker: events.Tutor, Response: "resp_001"}
	case events.KindSegmentTranscribed:
		return &events.SegmentTranscribed{Call: 1, Item: "item_003", Status: events.Final, Words: 7,
			Private: events.SegmentText{Text: "¿Me pone un café con leche, por favor?"}}
	case events.KindSegmentTimed:
		return &events.SegmentTimed{Call: 1, Item: "item_003", StartedCallMS: new(int64(4200)), EndedCallMS: new(int64(6100)),
			StartedRecMS: new(int64(4870)), EndedRecMS: new(int64(6650)), MeasuredBy: events.ByProvider}
	case events.KindSegmentInterrupted:
		return &events.SegmentInterrupted{Call: 1, Item: "item_002", HeardMS: new(int64(1480))}
	}
	return nil
}

func (s sampler) ofLife(kind events.Kind) events.Body {
	swept := Began.Add(time.Hour)
	switch kind {
	case events.KindSessionStarted:
		return &events.SessionStarted{Learner: s.account(), Topic: s.topic(), Language: "es", Level: "A2",
			Provider: "openai", Model: "gpt-realtime-mini", Voice: "marin",
			OwnTopic: events.TopicText{Title: "En la cafetería", Goals: []string{"pedir algo"}}}
	case events.KindRecordingStarted:
		return &events.RecordingStarted{AtMS: 730, ContentType: "audio/webm;codecs=opus"}
	case events.KindRecordingStopped:
		return &events.RecordingStopped{Cause: "microphone_lost", AtMS: 61_430, RecMS: new(int64(60_700))}
	case events.KindRecordingMuted:
		return &events.RecordingMuted{On: true, RecMS: new(int64(9100))}
	case events.KindOutboxReceived:
		return &events.OutboxReceived{Skipped: map[string]int{"rate_limits.updated": 2}}
	case events.KindSessionEnded:
		return &events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: true, LastN: 41}
	case events.KindSessionDeleteRequested:
		return &events.SessionDeleteRequested{By: s.account()}
	case events.KindSessionErased:
		return &events.SessionErased{Positions: events.NumbersOf(4, 5, 6, 9), Events: 4, Objects: 2, UnreadableAt: Began, SweptAt: &swept}
	}
	return nil
}

func (s sampler) ofSaving(kind events.Kind) events.Body {
	raw := "sessions/" + string(s.session()) + "/upload.webm"
	switch kind {
	case events.KindUploadRequested:
		return &events.UploadRequested{Upload: s.upload(), Size: 184_320, SHA256: s.sha256("file"),
			ContentType: "audio/webm;codecs=opus", DurationMS: 61_200}
	case events.KindUploadCompleted:
		return &events.UploadCompleted{Upload: s.upload(), Object: raw, Size: 184_320, SHA256: s.sha256("file")}
	case events.KindAudioFinalized:
		return &events.AudioFinalized{Upload: s.upload(), Object: "sessions/" + string(s.session()) + "/audio.webm",
			ContentType: "audio/webm", DurationMS: 61_180, Codec: "opus", Channels: 2, Size: 184_590,
			SHA256: s.sha256("audio"), Repaired: []string{"duration", "cues"}}
	case events.KindAudioMeasured:
		return &events.AudioMeasured{Upload: s.upload(), Object: "levels/" + string(s.session()) + "/" + string(s.upload())}
	case events.KindAudioRejected:
		return &events.AudioRejected{Upload: s.upload(), Reason: "no_audio"}
	}
	return nil
}

func (s sampler) ofAccount(kind events.Kind) events.Body {
	switch kind {
	case events.KindAccountRegistered:
		return &events.AccountRegistered{Method: events.ByPassword, Private: events.Person{Name: "Ana Núñez", Email: "ana@example.org"}}
	case events.KindAccountCredentialAdded:
		return &events.AccountCredentialAdded{Method: events.ByPassword,
			Private: events.Credential{PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA"}}
	case events.KindAccountRoleGranted:
		return &events.AccountRoleGranted{Role: events.RoleAnalyst}
	case events.KindAccountErased:
		return &events.AccountErased{Positions: events.NumbersOf(7, 8, 9, 31), Events: 4, Sessions: 2, UnreadableAt: Began.UTC()}
	case events.KindEmailClaimed:
		return &events.EmailClaimed{Account: s.account()}
	case events.KindEmailReleased:
		return &events.EmailReleased{Account: s.account()}
	}
	return nil
}

func (s sampler) ofCredential(kind events.Kind) events.Body {
	id := events.CredentialID(s.ulid("credential"))
	switch kind {
	case events.KindAccountCredentialRenamed:
		return &events.AccountCredentialRenamed{Credential: id, Private: events.CredentialName{Name: "Anas Schlüsselbund"}}
	case events.KindAccountCredentialUsed:
		return &events.AccountCredentialUsed{Credential: id, SignCount: 8, Flags: 0x1d}
	case events.KindAccountCredentialRemoved:
		return &events.AccountCredentialRemoved{Credential: id}
	case events.KindIdentityClaimed:
		return &events.IdentityClaimed{Account: s.account()}
	case events.KindIdentityReleased:
		return &events.IdentityReleased{Account: s.account()}
	}
	return nil
}

func (s sampler) ofInvitation(kind events.Kind) events.Body {
	ends := Began.Add(72 * time.Hour)
	switch kind {
	case events.KindAccountRoleWithdrawn:
		return &events.AccountRoleWithdrawn{Role: events.RoleAnalyst}
	case events.KindAccountInvited:
		return &events.AccountInvited{Secret: s.sha256("secret"), Roles: []events.Role{events.RoleLearner}, EndsAt: ends,
			Private: events.Person{Name: "Berk", Email: "berk@example.org"}}
	case events.KindAccountInvitationWithdrawn:
		return &events.AccountInvitationWithdrawn{}
	case events.KindAccountResetAllowed:
		return &events.AccountResetAllowed{Secret: s.sha256("secret"), EndsAt: ends}
	}
	return nil
}

func (s sampler) ofTopic(kind events.Kind) events.Body {
	switch kind {
	case events.KindTopicAdded:
		return &events.TopicAdded{Language: "es", Level: "A2", Public: &events.TopicText{
			Title: "At the café", Scenario: "You order breakfast.", Goals: []string{"order politely"}, Phrases: []string{"¿Me pone…?"}}}
	case events.KindTopicRevised:
		return &events.TopicRevised{Language: "es", Level: "B1", Owner: s.account(),
			Private: events.TopicText{Title: "Mi entrevista", Scenario: "A job interview."}}
	case events.KindTopicRetired:
		return &events.TopicRetired{}
	}
	return nil
}

func (s sampler) ofAudit(kind events.Kind) events.Body {
	const address = "198.51.100.0/24"
	switch kind {
	case events.KindContentGranted:
		return &events.ContentGranted{Until: Began.Add(24 * time.Hour)}
	case events.KindContentGrantWithdrawn:
		return &events.ContentGrantWithdrawn{}
	case events.KindSignedIn:
		return &events.SignedIn{Method: events.ByPassword, Address: address}
	case events.KindSignInFailed:
		return &events.SignInFailed{Method: events.ByPassword, Address: "2001:db8:7::/48", Count: 9}
	case events.KindContentRead:
		return &events.ContentRead{Session: s.session(), Through: 41, Reason: "why turns are missing", Address: address}
	case events.KindExported:
		return &events.Exported{What: "transcript-vtt", Session: s.session(), Address: address}
	case events.KindDeletionRequested:
		return &events.DeletionRequested{Object: s.session().Aggregate().String(), Address: address}
	case events.KindOperatorActed:
		return &events.OperatorActed{Action: "recover --end", Object: s.session().Aggregate().String(), Reason: "its page is gone"}
	case events.KindCallRefused:
		return &events.CallRefused{Session: s.session(), Call: 2, Why: events.RefusedClaimed, Address: "203.0.113.0/24"}
	case events.KindAuditInterrupted:
		return &events.AuditInterrupted{Missed: map[events.Kind]int{events.KindSignedIn: 3}, Since: Began}
	}
	return nil
}

func (s sampler) ofErasure(kind events.Kind) events.Body {
	swept := Began.Add(time.Hour)
	switch kind {
	case events.KindAccountDeleteRequested:
		return &events.AccountDeleteRequested{Receipt: s.sha256("receipt")}
	case events.KindAccountErasurePlanned:
		return &events.AccountErasurePlanned{Belongings: events.Belongings{
			Sessions: []events.SessionID{s.session()}, Topics: []events.TopicID{s.topic()},
			Emails: []string{s.sha256("email")}, Identities: []string{s.sha256("identity")},
		}}
	case events.KindTopicErased:
		return &events.TopicErased{Positions: events.NumbersOf(11, 12), SweptAt: &swept}
	case events.KindClaimErased:
		return &events.ClaimErased{Positions: events.NumbersOf(2, 14), SweptAt: &swept,
			Copies: []events.Copy{{Stream: "MIRROR", Kind: events.CopyMirror, Removed: 2}}}
	case events.KindAuditErased:
		return &events.AuditErased{Positions: events.NumbersOf(13, 21)}
	}
	return nil
}
