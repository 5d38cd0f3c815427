package projections

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"parley/events"
)

// Sealed is the sealed part of one event as a row keeps it, with what its
// opening must name besides the aggregate. Its zero value is "nothing sealed".
type Sealed struct {
	Event events.EventID
	Kind  events.Kind
	Bytes []byte
}

// sealedOf takes the sealed part of an event.
func sealedOf(e events.Event) Sealed {
	if e.Sealed == nil {
		return Sealed{}
	}
	return Sealed{e.ID, e.Body.Kind(), e.Sealed}
}

// SessionRow is a session: its own columns, and of its calls, segments and
// responses those that a batch touches. The embedded session is the fold that
// commands use too.
type SessionRow struct {
	events.Session
	Language string // BCP 47
	Level    string // CEFR
	Provider string
	Model    string
	Voice    string
	// TranscriptionModel is empty where session_started does not say.
	TranscriptionModel string
	OwnTopic           Sealed // the learner's own topic, of session_started
	Position           events.Position

	// Emptied: its deletion was asked for, so that all its parts leave.
	Emptied bool
	// Gone: it was erased, so that the row itself leaves.
	Gone bool

	hashes map[events.ItemKey]PartHashes
	after  map[events.ResponseKey]events.Ranked[int64]
}

// CallRow is one call of a session.
type CallRow struct {
	Session events.SessionID
	events.CallFacts
	IssuedAt  *time.Time // nil: no token of this call is known
	ExpiresAt *time.Time
	Connected bool
	Dropped   bool
}

// SegmentRow is all that was reported about one item of the conversation, also
// of those that are only links in the chain.
type SegmentRow struct {
	Session events.SessionID
	events.ItemFacts
	Hashes     []int64    // of the words of its text, sorted (HashWords)
	PartHashes PartHashes // nil: it has one part, whose hashes are all
}

// PartHashes are the word hashes of each part of an item, by its place in it.
type PartHashes map[int][]int64

// all are those of the whole item.
func (p PartHashes) all() []int64 {
	if len(p) == 0 {
		return nil
	}
	var all []int64
	for _, part := range p {
		all = append(all, part...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ResponseRow is all that was reported about one response of the provider.
type ResponseRow struct {
	Session events.SessionID
	events.ResponseFacts
	After events.Ranked[int64] // ms to its first sound; the first report counts
}

// TopicRow is a topic.
type TopicRow struct {
	ID       events.TopicID
	Language string
	Level    string
	Owner    events.AccountID  // empty: of the catalogue
	Public   *events.TopicText // of the catalogue's
	Private  Sealed            // of a learner's own
	Retired  bool
	Gone     bool // erased: the row leaves
	Position events.Position
}

// AccountRow is an account.
type AccountRow struct {
	ID           events.AccountID
	Roles        []events.Role // in the order of granting
	Person       Sealed
	Credential   Sealed // the latest
	RegisteredAt time.Time
	Gone         bool // erased: the row leaves
	Position     events.Position
}

// EmailRow says whose an address is.
type EmailRow struct {
	Hash     string
	Account  events.AccountID // empty: released, the row leaves
	Position events.Position
}

// NewSessionRow is a row of a session of which nothing is known yet.
func NewSessionRow(id events.SessionID) *SessionRow {
	s := &SessionRow{Session: *events.NewSession(id)}
	s.Empty()
	return s
}

// Empty drops all parts that are held; a row that was read begins so.
func (s *SessionRow) Empty() {
	s.Turns, s.Calls = events.NewTranscript(), map[int]*events.Call{}
	s.hashes = map[events.ItemKey]PartHashes{}
	s.after = map[events.ResponseKey]events.Ranked[int64]{}
}

// PutCall gives the session a stored row.
func (s *SessionRow) PutCall(r CallRow) {
	s.Turns.Calls[r.Call] = &r.CallFacts
	if r.IssuedAt != nil && r.ExpiresAt != nil {
		s.Calls[r.Call] = &events.Call{
			Number: r.Call, IssuedAt: *r.IssuedAt, ExpiresAt: *r.ExpiresAt,
			Connected: r.Connected, Dropped: r.Dropped,
		}
	}
}

// PutSegment gives the session a stored row.
func (s *SessionRow) PutSegment(r SegmentRow) {
	r.TextEvent.Aggregate = s.ID.Aggregate()
	s.Turns.Items[r.ItemKey] = &r.ItemFacts
	if s.hashes[r.ItemKey] = r.PartHashes; r.PartHashes == nil && r.Hashes != nil {
		s.hashes[r.ItemKey] = PartHashes{0: r.Hashes}
	}
}

// PutResponse gives the session a stored row.
func (s *SessionRow) PutResponse(r ResponseRow) {
	s.Turns.Responses[r.ResponseKey] = &r.ResponseFacts
	s.after[r.ResponseKey] = r.After
}

// CallRows gives the held calls, by number.
func (s *SessionRow) CallRows() []CallRow {
	byNumber := map[int]CallRow{}
	for n, facts := range s.Turns.Calls {
		byNumber[n] = CallRow{Session: s.ID, CallFacts: *facts}
	}
	for n, call := range s.Calls {
		r := byNumber[n]
		r.Session, r.Call = s.ID, n
		r.IssuedAt, r.ExpiresAt = &call.IssuedAt, &call.ExpiresAt
		r.Connected, r.Dropped = call.Connected, call.Dropped
		byNumber[n] = r
	}
	return sorted(byNumber, func(a, b CallRow) int { return cmp.Compare(a.Call, b.Call) })
}

// SegmentRows gives the held segments, by call and item id.
func (s *SessionRow) SegmentRows() []SegmentRow {
	byKey := map[events.ItemKey]SegmentRow{}
	for key, facts := range s.Turns.Items {
		row := SegmentRow{Session: s.ID, ItemFacts: *facts, Hashes: s.hashes[key].all()}
		if len(facts.More) > 0 {
			row.PartHashes = s.hashes[key]
		}
		byKey[key] = row
	}
	return sorted(byKey, func(a, b SegmentRow) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Item, b.Item))
	})
}

// ResponseRows gives the held responses, by call and response id.
func (s *SessionRow) ResponseRows() []ResponseRow {
	byKey := map[events.ResponseKey]ResponseRow{}
	for key, facts := range s.Turns.Responses {
		byKey[key] = ResponseRow{s.ID, *facts, s.after[key]}
	}
	for key, after := range s.after {
		if _, timed := byKey[key]; !timed {
			byKey[key] = ResponseRow{s.ID, events.ResponseFacts{ResponseKey: key}, after}
		}
	}
	return sorted(byKey, func(a, b ResponseRow) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Response, b.Response))
	})
}

func sorted[K comparable, R any](rows map[K]R, by func(a, b R) int) []R {
	return slices.SortedFunc(maps.Values(rows), by)
}
