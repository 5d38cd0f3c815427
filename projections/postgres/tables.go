package postgres

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"parley/events"
	"parley/projections"
)

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// text, number, flag, moment and body name a column of their type.
func text[R any](name string, at func(*R) any) column[R] {
	return column[R]{name: name, typ: "text", at: at}
}

func number[R any](name string, at func(*R) any) column[R] {
	return column[R]{name: name, typ: "bigint", at: at}
}

func flag[R any](name string, at func(*R) any) column[R] {
	return column[R]{name: name, typ: "boolean", at: at}
}

func moment[R any](name string, at func(*R) any) column[R] {
	return column[R]{name: name, typ: "timestamptz", at: at}
}

func body[R any](name string, at func(*R) any) column[R] {
	return column[R]{name: name, typ: "jsonb", at: at}
}

// ranked are the two columns of an observation.
func ranked[R any](name string, of func(*R) *events.Ranked[int64]) []column[R] {
	return []column[R]{
		number(name, func(r *R) any { return &of(r).Value }),
		number(name+"_rank", func(r *R) any { return &of(r).Rank }),
	}
}

// used are the two columns of what was counted.
func used[R any](of func(*R) *events.Ranked[map[string]int64]) []column[R] {
	return []column[R]{
		body("usage", func(r *R) any { return &of(r).Value }),
		number("usage_rank", func(r *R) any { return &of(r).Rank }),
	}
}

// span are the columns of when something was heard.
func span[R any](of func(*R) *events.Span) []column[R] {
	return join(
		ranked("started_call", func(r *R) *events.Ranked[int64] { return &of(r).StartedCall }),
		ranked("ended_call", func(r *R) *events.Ranked[int64] { return &of(r).EndedCall }),
		ranked("started_rec", func(r *R) *events.Ranked[int64] { return &of(r).StartedRec }),
		ranked("ended_rec", func(r *R) *events.Ranked[int64] { return &of(r).EndedRec }),
	)
}

// sealed are the three columns of a sealed part.
func sealed[R any](name string, of func(*R) *projections.Sealed) []column[R] {
	return []column[R]{
		text(name+"_event", func(r *R) any { return &of(r).Event }),
		text(name+"_kind", func(r *R) any { return &of(r).Kind }),
		{name: name + "_sealed", typ: "bytea", at: func(r *R) any { return &of(r).Bytes }},
	}
}

func join[R any](parts ...[]column[R]) (all []column[R]) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// rangesText carries events.Numbers as text.
type rangesText struct{ *events.Numbers }

// ScanText reads "1-7,9".
func (n rangesText) ScanText(v pgtype.Text) (err error) {
	*n.Numbers, err = events.ParseNumbers(v.String)
	return err
}

// TextValue writes "1-7,9".
func (n rangesText) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: n.String(), Valid: true}, nil
}

// arrayText writes numbers as an array's text: UNNEST would flatten an array
// of arrays.
func arrayText(numbers []int64) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, n := range numbers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	b.WriteByte('}')
	return b.String()
}

// readModels are the tables that a rebuild compares. Whoever reads several in
// one transaction does it in this order: a switch locks their views so too, and
// would else meet readers head on.
func readModels() []shape {
	return []shape{
		sessions.shape(), calls.shape(), segments.shape(), responses.shape(),
		topics.shape(), accounts.shape(), emails.shape(), auditTrail.shape(),
		{"dead_letters", 1, []string{"position", "aggregate_kind", "aggregate_id", "event", "type", "reason"}},
	}
}

// checkpointShape is what readers see of checkpoints.
var checkpointShape = shape{"checkpoints", 1, []string{
	"stream", "epoch", "created", "position", "event", "aggregate_kind", "aggregate_id", "fence", "seen_at",
}}

type (
	sessionRow  = projections.SessionRow
	callRow     = projections.CallRow
	segmentRow  = projections.SegmentRow
	responseRow = projections.ResponseRow
	topicRow    = projections.TopicRow
	accountRow  = projections.AccountRow
	emailRow    = projections.EmailRow
)

var sessions = table[sessionRow]{"sessions", 1, join(
	[]column[sessionRow]{
		text("id", func(r *sessionRow) any { return &r.ID }),
		text("learner", func(r *sessionRow) any { return &r.Learner }),
		text("topic", func(r *sessionRow) any { return &r.Topic }),
		text("language", func(r *sessionRow) any { return &r.Language }),
		text("level", func(r *sessionRow) any { return &r.Level }),
		text("provider", func(r *sessionRow) any { return &r.Provider }),
		text("model", func(r *sessionRow) any { return &r.Model }),
		text("voice", func(r *sessionRow) any { return &r.Voice }),
		text("transcription_model", func(r *sessionRow) any { return &r.TranscriptionModel }),
		moment("started_at", func(r *sessionRow) any { return &r.StartedAt }),
		moment("ended_at", func(r *sessionRow) any { return &r.EndedAt }),
		text("received", func(r *sessionRow) any { return rangesText{&r.Received} }),
		body("ended", func(r *sessionRow) any { return &r.Ended }),
		body("upload", func(r *sessionRow) any { return &r.Upload }),
		body("completed", func(r *sessionRow) any { return &r.Completed }),
		body("audio", func(r *sessionRow) any { return &r.Audio }),
		body("rejected", func(r *sessionRow) any { return &r.Rejected }),
		body("deleted", func(r *sessionRow) any { return &r.Deleted }),
		number("position", func(r *sessionRow) any { return (*uint64)(&r.Position) }),
	},
	sealed("own_topic", func(r *sessionRow) *projections.Sealed { return &r.OwnTopic }),
)}

var calls = table[callRow]{"calls", 2, join(
	[]column[callRow]{
		text("session", func(r *callRow) any { return &r.Session }),
		number("call", func(r *callRow) any { return &r.Call }),
		moment("issued_at", func(r *callRow) any { return &r.IssuedAt }),
		moment("expires_at", func(r *callRow) any { return &r.ExpiresAt }),
		flag("connected", func(r *callRow) any { return &r.Connected }),
		flag("dropped", func(r *callRow) any { return &r.Dropped }),
	},
	ranked("anchor", func(r *callRow) *events.Ranked[int64] { return &r.Anchor }),
	ranked("padding", func(r *callRow) *events.Ranked[int64] { return &r.Padding }),
)}

var segments = table[segmentRow]{"segments", 3, join(
	[]column[segmentRow]{
		text("session", func(r *segmentRow) any { return &r.Session }),
		number("call", func(r *segmentRow) any { return &r.Call }),
		text("item", func(r *segmentRow) any { return &r.Item }),
		number("seen", func(r *segmentRow) any { return &r.Seen }),
		text("previous", func(r *segmentRow) any { return &r.Previous.Value }),
		number("previous_rank", func(r *segmentRow) any { return &r.Previous.Rank }),
		text("speaker", func(r *segmentRow) any { return &r.Speaker }),
		text("response", func(r *segmentRow) any { return &r.Response }),
		text("status", func(r *segmentRow) any { return &r.Status.Value }),
		number("status_rank", func(r *segmentRow) any { return &r.Status.Rank }),
		number("words", func(r *segmentRow) any { return &r.Words }),
		text("text_event", func(r *segmentRow) any { return &r.TextEvent.ID }),
		{name: "text_sealed", typ: "bytea", at: func(r *segmentRow) any { return &r.TextEvent.Sealed }},
		flag("interrupted", func(r *segmentRow) any { return &r.Interrupted }),
		{
			name: "hashes", typ: "text", cast: "bigint[]",
			at:    func(r *segmentRow) any { return &r.Hashes },
			value: func(r *segmentRow) any { return arrayText(r.Hashes) },
			whole: func(r *segmentRow) any { return append([]int64{}, r.Hashes...) }, // an empty array, not null
		},
	},
	span(func(r *segmentRow) *events.Span { return &r.Span }),
	ranked("heard", func(r *segmentRow) *events.Ranked[int64] { return &r.Heard }),
	used(func(r *segmentRow) *events.Ranked[map[string]int64] { return &r.Usage }),
	[]column[segmentRow]{body("parts", func(r *segmentRow) any { return &partsOf{r} })},
)}

var responses = table[responseRow]{"responses", 3, join(
	[]column[responseRow]{
		text("session", func(r *responseRow) any { return &r.Session }),
		number("call", func(r *responseRow) any { return &r.Call }),
		text("response", func(r *responseRow) any { return &r.Response }),
		flag("cleared", func(r *responseRow) any { return &r.Cleared }),
	},
	span(func(r *responseRow) *events.Span { return &r.Span }),
	ranked("after", func(r *responseRow) *events.Ranked[int64] { return &r.After }),
	used(func(r *responseRow) *events.Ranked[map[string]int64] { return &r.ResponseFacts.Usage }),
)}

var topics = table[topicRow]{"topics", 1, join(
	[]column[topicRow]{
		text("id", func(r *topicRow) any { return &r.ID }),
		text("language", func(r *topicRow) any { return &r.Language }),
		text("level", func(r *topicRow) any { return &r.Level }),
		text("owner", func(r *topicRow) any { return &r.Owner }),
		body("public", func(r *topicRow) any { return &r.Public }),
		flag("retired", func(r *topicRow) any { return &r.Retired }),
		number("position", func(r *topicRow) any { return (*uint64)(&r.Position) }),
	},
	sealed("private", func(r *topicRow) *projections.Sealed { return &r.Private }),
)}

var accounts = table[accountRow]{"accounts", 1, join(
	[]column[accountRow]{
		text("id", func(r *accountRow) any { return &r.ID }),
		body("roles", func(r *accountRow) any { return &r.Roles }),
		moment("registered_at", func(r *accountRow) any { return &r.RegisteredAt }),
		number("position", func(r *accountRow) any { return (*uint64)(&r.Position) }),
	},
	sealed("person", func(r *accountRow) *projections.Sealed { return &r.Person }),
	sealed("credential", func(r *accountRow) *projections.Sealed { return &r.Credential }),
)}

var emails = table[emailRow]{"emails", 1, []column[emailRow]{
	text("hash", func(r *emailRow) any { return &r.Hash }),
	text("account", func(r *emailRow) any { return &r.Account }),
	number("position", func(r *emailRow) any { return (*uint64)(&r.Position) }),
}}
