package http

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"parley/events"
	"parley/http/realtime"
	"parley/projections"
)

// Provider mints tokens; realtime.Client is one.
type Provider interface {
	// Mint fetches a token for one call. Errors: *realtime.Error.
	Mint(ctx context.Context, request realtime.MintRequest) (realtime.Token, error)
}

type tokenInput struct {
	ID   string      `path:"id"`
	Body *talkChoice `required:"false"`
}

// talkChoice is how the learner wants to be talked with.
type talkChoice struct {
	Speed    float64 `json:"speed,omitempty" minimum:"0.5" maximum:"1.5" doc:"The tutor's speed; 1 is usual"`
	Patience string  `json:"patience,omitempty" enum:"low,normal,high" doc:"How long the tutor waits before it answers"`
	Turns    string  `json:"turns,omitempty" enum:"hands_free,push_to_talk" doc:"How a turn of the learner's ends: heard by the provider, or committed by the page, which then asks for the response"`
}

type tokenOutput struct {
	Body struct {
		Value     string    `json:"value" doc:"The provider's short-lived client secret"`
		ExpiresAt time.Time `json:"expires_at"`
		CallsURL  string    `json:"calls_url" doc:"Where to post the offer"`
		Call      int       `json:"call" doc:"The number of the call that this token opens"`
		Model     string    `json:"model"`
		Session   anyEvent  `json:"session,omitempty" doc:"What the page must send as the session of a session.update when the call is up; absent where the token carries it"`
		Resume    anyEvent  `json:"resume,omitempty" doc:"Of a later call: nothing is answered by itself until the page has sent this as the session of a session.update, after the history. Absent for a first call and for push-to-talk"`
	}
}

// tokenLife is short: a token is fetched late and used at once.
const tokenLife = 2 * time.Minute

const tokenDescription = `The first call is opened by the tutor. A later one goes on where the conversation stopped: the page ` +
	`re-creates what was said with conversation.item.create (learner input_text, tutor output_text, older turns in one message), ` +
	`each with an id of its own choosing that begins with "` + events.CarriedPrefix + `" and has at most 32 characters, which never becomes a segment; ` +
	`then it sends resume, and a response.create if it is the tutor's turn.`

func (s *Server) callRoutes() {
	owned(s, huma.Operation{OperationID: "mint-token", Method: http.MethodPost, Path: "/api/sessions/{id}/token",
		Summary: "Mint a token for the session's next call", Description: tokenDescription}, s.token)
	overAndOver(s, reportsOperation(), s.receive)
}

// token mints a secret for the next call. It is stored nowhere: the log keeps
// that it was minted, and how long that took.
func (s *Server) token(ctx context.Context, in *tokenInput) (out *tokenOutput, err error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	var next nextCall
	if err := s.glance(ctx, id, func(sn *events.Session) error { next = nextCallOf(sn); return sn.Talking() }); err != nil {
		return nil, err
	}
	request, told, err := s.beforeCall(ctx, next, in.Body)
	if err != nil {
		return nil, err
	}
	note := events.TokenMinted{ID: events.EventID(s.doors.NewID()), Browser: callerIn(ctx).Browser}
	if request.Mark, err = markOf(ctx, s.doors.Keys, note.ID); err != nil {
		return nil, err
	}
	minted, err := s.mayCall(ctx, id, told)
	if err != nil {
		return nil, err
	}
	defer func() { minted(out != nil) }()
	note.Until = s.until(ctx, id, next)
	began := s.doors.Now()
	token, err := s.doors.Provider.Mint(ctx, request)
	if err != nil {
		return nil, s.mintFailed(ctx, id, err)
	}
	note.ExpiresAt, note.Took = token.ExpiresAt, s.doors.Now().Sub(began)
	out = &tokenOutput{}
	_, err = s.reportOn(ctx, id, func(sn *events.Session) (drafts []events.Event, err error) {
		out.Body.Call, drafts, err = sn.IssueToken(note)
		return drafts, err
	})
	if err != nil {
		return nil, err
	}
	out.Body.Value, out.Body.ExpiresAt = token.Value.Reveal(), token.ExpiresAt.UTC()
	out.Body.CallsURL, out.Body.Model = token.CallsURL, token.Model
	out.Body.Session, out.Body.Resume = anyEvent(token.Session), anyEvent(token.Resume)
	return out, nil
}

// nextCall is what a session's next call needs of it.
type nextCall struct {
	topic   events.TopicID
	learner events.AccountID
	goesOn  bool      // it is not the first
	began   time.Time // when the first one got its token; zero before
}

func nextCallOf(sn *events.Session) nextCall {
	next := nextCall{topic: sn.Topic, learner: sn.Learner, goesOn: len(sn.Calls) > 0}
	if first := sn.Calls[1]; first != nil {
		next.began = first.IssuedAt
	}
	return next
}

// beforeCall fetches what a call depends on, side by side: a learner waits for it.
func (s *Server) beforeCall(ctx context.Context, next nextCall, choice *talkChoice) (request realtime.MintRequest, told []projections.Talk, err error) {
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		request, err = s.mintRequest(within, next, choice)
		return err
	})
	both.Go(func() error {
		told = s.talks(within)
		return nil
	})
	err = both.Wait()
	return request, told, err
}

// until is when the caller's session ends by itself if it gets a token now: its
// own limit counts from its first token.
func (s *Server) until(ctx context.Context, session events.SessionID, next nextCall) events.Until {
	now := s.doors.Now()
	began := next.began
	if began.IsZero() {
		began = now
	}
	until := events.Until{At: began.Add(s.config.SessionMax), Why: events.EndedByTimeLimit}
	if s.config.Allowances.Talk > 0 {
		if usedUp := now.Add(s.limits.talk.left(caller(ctx), session, nil)); usedUp.Before(until.At) {
			until = events.Until{At: usedUp, Why: events.EndedUsedUp}
		}
	}
	return until
}

// mintFailed notes a refresh that did not work, and says it in words.
func (s *Server) mintFailed(ctx context.Context, session events.SessionID, cause error) error {
	class, retryable := realtime.ClassUnknown, false
	var refused *realtime.Error
	if errors.As(cause, &refused) {
		class, retryable = refused.Class, refused.Retryable
	}
	_, _, err := s.onSession(ctx, session, func(sn *events.Session) ([]events.Event, error) {
		if len(sn.Calls) == 0 {
			return nil, nil // no refresh: nothing was said yet
		}
		return events.Draft(&events.TokenRefreshFailed{Call: sn.NextCall(), Class: string(class), Retryable: retryable}), nil
	})
	if err != nil {
		return errors.Join(err, cause)
	}
	advice := mintAdvice[class]
	return events.Wrap(cause, advice.code, advice.text)
}

// mintAdvice says to a page, and to a learner, what each class of failure means
// for her.
var mintAdvice = map[realtime.Class]struct {
	code events.Code
	text string
}{
	realtime.ClassQuota:     {events.CodeProviderQuota, "the speech provider's credit is used up; please tell whoever runs this Parley"},
	realtime.ClassKey:       {events.CodeProviderKey, "the speech provider does not accept this Parley's key; please tell whoever runs it"},
	realtime.ClassModelGone: {events.CodeProviderModel, "the speech provider no longer has the model in use; please tell whoever runs this Parley"},
	realtime.ClassRate:      {events.CodeProviderRate, "the speech provider is busy; try again in a minute"},
	realtime.ClassNetwork:   {events.CodeProviderNetwork, "the speech provider could not be reached; try again in a minute"},
	realtime.ClassUnknown:   {events.CodeProvider, "the speech provider refused; try again in a minute"},
}
