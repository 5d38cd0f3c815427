package events

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
)

// The ids of aggregates are ULIDs in their text form (26 characters); each has
// a type of its own so that a swapped argument does not compile.
type (
	// SessionID names a session. Its time part tells the month it began in.
	SessionID string
	// AccountID names an account.
	AccountID string
	// TopicID names a topic.
	TopicID string
	// EventID is chosen by the command and stable over retries. What a browser
	// reports is "<session>-<n>-<k>": its outbox number and the place in it.
	EventID string
	// UploadID names one upload of a session.
	UploadID string
)

// ParseID checks that a text from outside is a ULID in canonical form.
// Errors: CodeInvalid; it does not repeat the text, which may be anything.
func ParseID[T ~string](text string) (T, error) {
	id, err := ulid.ParseStrict(text)
	if err != nil || id.String() != text {
		return "", Errorf(CodeInvalid, "an id is not a ULID (26 characters 0-9 A-Z)")
	}
	return T(text), nil
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}

// AggregateKind is what an aggregate is.
type AggregateKind string

// The kinds of aggregates, each one subject per instance (design section 4).
const (
	KindOfSession AggregateKind = "session"
	KindOfAccount AggregateKind = "account"
	KindOfTopic   AggregateKind = "topic"
	KindOfEmail   AggregateKind = "email"
)

// Aggregate is one stream of decisions: "session/01J…". Email's ID is the
// keyed hash of the address, never the address.
type Aggregate struct {
	Kind AggregateKind
	ID   string
}

// String is "kind/id".
func (a Aggregate) String() string { return string(a.Kind) + "/" + a.ID }

// Session is the session whose stream this is. It is false of every other stream,
// also of one whose id is none: no command wrote that, and no command can.
func (a Aggregate) Session() (id SessionID, is bool) {
	if a.Kind != KindOfSession {
		return "", false
	}
	id, err := ParseID[SessionID](a.ID)
	return id, err == nil
}

// Aggregate is the session's own stream.
func (id SessionID) Aggregate() Aggregate { return Aggregate{KindOfSession, string(id)} }

// Aggregate is the account's own stream.
func (id AccountID) Aggregate() Aggregate { return Aggregate{KindOfAccount, string(id)} }

// Aggregate is the topic's own stream.
func (id TopicID) Aggregate() Aggregate { return Aggregate{KindOfTopic, string(id)} }

// EmailAggregate is the claim on an e-mail address, by its keyed hash.
func EmailAggregate(hash string) Aggregate { return Aggregate{KindOfEmail, hash} }

// Position is where in the log an event lies. It grows along the log; zero is
// before the first event. Clients see it as opaque text only.
type Position uint64

const positionPrefix = "p"

// String is the opaque form given to clients.
func (p Position) String() string { return positionPrefix + strconv.FormatUint(uint64(p), 36) }

// ParsePosition reads the opaque form. Errors: CodeInvalid.
func ParsePosition(text string) (Position, error) {
	digits, found := strings.CutPrefix(text, positionPrefix)
	n, err := strconv.ParseUint(digits, 36, 63)
	if !found || err != nil || Position(n).String() != text {
		return 0, Errorf(CodeInvalid, "a position is not one that Parley gave")
	}
	return Position(n), nil
}

// MarshalText writes the opaque form.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the opaque form.
func (p *Position) UnmarshalText(text []byte) error {
	parsed, err := ParsePosition(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// Expected is the guard of an append: the position that the decision was made
// from. Its zero value is invalid, so that no append goes unguarded by
// forgetting it.
type Expected struct {
	position Position
	set      bool
}

// ExpectNew expects that the aggregate has no event yet.
func ExpectNew() Expected { return Expected{set: true} }

// ExpectAt expects that the aggregate's last event lies at position p; zero is
// the same as ExpectNew.
func ExpectAt(p Position) Expected { return Expected{position: p, set: true} }

// Position gives the expected last position and whether the guard is valid.
func (e Expected) Position() (Position, bool) { return e.position, e.set }

// String is for error messages.
func (e Expected) String() string {
	if !e.set {
		return "unset"
	}
	return fmt.Sprintf("last at %d", e.position)
}
