package http

import (
	"context"
	"time"

	"parley/events"
	"parley/projections"
)

// Views are the read models.
type Views interface {
	// Session reads one session of a learner's, opened. Errors: CodeNotFound
	// for another's, an unknown and a deleted one; CodeUnavailable.
	Session(ctx context.Context, learner events.AccountID, id events.SessionID) (projections.SessionView, error)
	// Audio gives the recording of a learner's session, and opens nothing.
	// Errors: those of Session; CodeNotFound also when there is none.
	Audio(ctx context.Context, learner events.AccountID, id events.SessionID) (*events.AudioFinalized, error)
	// Sessions lists a learner's sessions, newest first; a query keeps those
	// in which all of its words were said. Errors: CodeInvalid for a cursor
	// that is none of ours, CodeUnavailable.
	Sessions(ctx context.Context, learner events.AccountID, query, cursor string, limit int) (projections.SessionPage, error)
	// Topics lists the catalogue and an account's own. Errors: CodeUnavailable.
	Topics(ctx context.Context, account events.AccountID) ([]projections.TopicView, error)
	// Audit lists lines of audit trails, the newest first. Errors:
	// CodeUnavailable.
	Audit(ctx context.Context, q projections.AuditQuery) ([]projections.AuditRow, error)
	// OpenSessions tells which of these sessions are there and not asked to be
	// deleted. Errors: CodeUnavailable.
	OpenSessions(ctx context.Context, of map[events.SessionID]bool) (map[events.SessionID]bool, error)
	// Talks lists the sessions that a learner was given a token for and that
	// began after a moment, without deleted ones. Errors: CodeUnavailable.
	Talks(ctx context.Context, learner events.AccountID, after time.Time) ([]projections.Talk, error)
	// Accounts lists accounts by id, from behind one on; "" is the first.
	// Errors: CodeUnavailable.
	Accounts(ctx context.Context, after events.AccountID, limit int) ([]projections.AccountView, error)
	Holders
}

// Session is a session as JSON.
type Session struct {
	ID           events.SessionID `json:"id"`
	Status       events.Status    `json:"status" enum:"active,ended,uploading,finalizing,saved,needs_attention" doc:"saved means that everything is verified"`
	Reason       string           `json:"reason,omitempty" doc:"Why attention is needed"`
	Topic        SessionTopic     `json:"topic"`
	StartedAt    time.Time        `json:"started_at"`
	EndedAt      *time.Time       `json:"ended_at,omitempty"`
	EndedBecause events.EndReason `json:"ended_because,omitempty"`
	Segments     []Segment        `json:"segments" nullable:"false"`
	Audio        *Audio           `json:"audio"`
	Timings      Timings          `json:"timings"`
	Limits       *TalkLimits      `json:"limits,omitempty" doc:"While it is active"`
	Usage        *Usage           `json:"usage,omitempty" doc:"What the provider counted"`
	Position     events.Position  `json:"position"`
}

// TalkLimits are when the server ends a session by itself.
type TalkLimits struct {
	SessionMS int64  `json:"session_ms" doc:"How long it may last, from its first token"`
	IdleMS    int64  `json:"idle_ms" doc:"How long nobody may speak"`
	DayMS     *int64 `json:"day_ms,omitempty" doc:"What is left of the talk that is allowed within a day; absent where that has no limit"`
}

// Usage is what a session used of the provider.
type Usage struct {
	Tokens map[string]int64 `json:"tokens" doc:"By kind: input_text, input_audio, cached_text, cached_audio, output_text, output_audio; input and output are their sums. audio_ms is audio in milliseconds where that is what is paid for"`
	Cost   *Cost            `json:"cost,omitempty" doc:"Where the operator shows prices to learners"`
}

// Cost is what that costs by a price list.
type Cost struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency" doc:"ISO 4217"`
	AsOf     string  `json:"as_of" doc:"Date of the price list" format:"date"`
}

// SessionTopic is what a session is about.
type SessionTopic struct {
	ID       events.TopicID `json:"id"`
	Title    string         `json:"title"`
	Language string         `json:"language"`
	Level    string         `json:"level"`
}

// Segment is one turn of the transcript, in order.
type Segment struct {
	Call        int                     `json:"call"`
	ItemID      string                  `json:"item_id"`
	Speaker     events.Speaker          `json:"speaker" enum:"learner,tutor"`
	Status      events.TranscriptStatus `json:"status" enum:"final,prompted,empty,failed,missing,pending"`
	Text        *string                 `json:"text" doc:"null when there is none"`
	StartedMS   *int64                  `json:"started_ms" doc:"On the recording's clock, or the session's without one"`
	EndedMS     *int64                  `json:"ended_ms"`
	Interrupted bool                    `json:"interrupted"`
	HeardMS     *int64                  `json:"heard_ms" doc:"How much of an interrupted turn was heard; the cut in its text is not known"`
}

// Audio is the finalized recording.
type Audio struct {
	DurationMS  int64    `json:"duration_ms"`
	ContentType string   `json:"content_type"`
	Size        int64    `json:"size"`
	URL         string   `json:"url"`
	Repaired    []string `json:"repaired" doc:"What the browser's file lacked, each as name=number: dropped_bytes, dropped_blocks, missing_bytes, gaps, missing_ms, ends_before_transcript_ms" nullable:"false"`
}

// Timings are measured from the end of speech, or from connecting.
type Timings struct {
	FirstResponseMS  *int64 `json:"first_response_ms"`
	MedianResponseMS *int64 `json:"median_response_ms"`
}

func sessionOf(v projections.SessionView) Session {
	out := Session{
		ID: v.ID, Status: v.Status, Reason: v.Reason,
		Topic:     SessionTopic{v.Topic.ID, v.Topic.Text.Title, v.Language, v.Level},
		StartedAt: v.StartedAt.UTC(), EndedAt: v.EndedAt, EndedBecause: v.EndedBecause,
		Segments: make([]Segment, 0, len(v.Segments)),
		Timings:  Timings{v.Timings.FirstResponseMS, v.Timings.MedianResponseMS},
		Position: v.Position,
	}
	for _, s := range v.Segments {
		out.Segments = append(out.Segments, segmentOf(s))
	}
	if v.Audio != nil {
		out.Audio = &Audio{
			DurationMS: v.Audio.DurationMS, ContentType: v.Audio.ContentType, Size: v.Audio.Size,
			URL: "/api/sessions/" + string(v.ID) + "/audio", Repaired: append([]string{}, v.Audio.Repaired...),
		}
	}
	return out
}

func segmentOf(s projections.SegmentView) Segment {
	out := Segment{
		Call: s.Call, ItemID: s.Item, Speaker: s.Speaker, Status: s.Status,
		StartedMS: s.StartedMS, EndedMS: s.EndedMS, Interrupted: s.Interrupted, HeardMS: s.HeardMS,
	}
	if s.Text != "" {
		out.Text = &s.Text
	}
	return out
}

// Summary is a session in the list.
type Summary struct {
	ID         events.SessionID `json:"id"`
	Status     events.Status    `json:"status" enum:"active,ended,uploading,finalizing,saved,needs_attention"`
	Reason     string           `json:"reason,omitempty"`
	Topic      SessionTopic     `json:"topic"`
	StartedAt  time.Time        `json:"started_at"`
	DurationMS int64            `json:"duration_ms"`
	Turns      int              `json:"turns"`
	HasAudio   bool             `json:"has_audio"`
	Excerpt    string           `json:"excerpt,omitempty"`
}

func summaryOf(s projections.SessionSummary) Summary {
	return Summary{
		ID: s.ID, Status: s.Status, Reason: s.Reason,
		Topic:     SessionTopic{s.Topic.ID, s.Topic.Text.Title, s.Language, s.Level},
		StartedAt: s.StartedAt.UTC(), DurationMS: s.DurationMS, Turns: s.Turns, HasAudio: s.HasAudio, Excerpt: s.Excerpt,
	}
}

// Topic is what can be practised.
type Topic struct {
	ID       events.TopicID `json:"id"`
	Title    string         `json:"title"`
	Language string         `json:"language" doc:"BCP 47"`
	Level    string         `json:"level" doc:"CEFR" enum:"A1,A2,B1,B2,C1,C2"`
	Scenario string         `json:"scenario"`
	Goals    []string       `json:"goals" nullable:"false"`
	Phrases  []string       `json:"phrases" nullable:"false"`
	Mine     bool           `json:"mine" doc:"The caller wrote it herself"`
}

func topicOf(id events.TopicID, language, level string, mine bool, text events.TopicText) Topic {
	return Topic{
		ID: id, Title: text.Title, Language: language, Level: level, Scenario: text.Scenario,
		Goals: append([]string{}, text.Goals...), Phrases: append([]string{}, text.Phrases...), Mine: mine,
	}
}
