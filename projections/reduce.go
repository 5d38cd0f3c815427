package projections

import (
	"maps"
	"slices"
	"strings"

	"parley/events"
)

// Rows are the rows that a batch touches: those that were stored (of [KeysOf]
// the batch), changed by [Rows.Apply] into those to write.
type Rows struct {
	Sessions map[events.SessionID]*SessionRow
	Topics   map[events.TopicID]*TopicRow
	Accounts map[events.AccountID]*AccountRow
	Emails   map[string]*EmailRow
	// Parked are the aggregates that have dead letters.
	Parked map[events.Aggregate]bool
	// Audit are new lines of audit trails, and Forgotten the accounts whose
	// earlier lines leave.
	Audit     []AuditRow
	Forgotten []events.AccountID
	// Letters are the events that Apply could not take, in order.
	Letters []DeadLetter
	// Released are erased aggregates, whose dead letters leave.
	Released []events.Aggregate
	// Keys of the sessions whose texts are hashed; a session without one gets
	// no hashes.
	Keys WordKeys

	heard vocabulary
}

// NewRows holds nothing.
func NewRows(keys WordKeys) *Rows {
	return &Rows{
		Sessions: map[events.SessionID]*SessionRow{}, Topics: map[events.TopicID]*TopicRow{},
		Accounts: map[events.AccountID]*AccountRow{}, Emails: map[string]*EmailRow{},
		Parked: map[events.Aggregate]bool{}, Keys: keys, heard: vocabulary{},
	}
}

// DeadLetter is an event that waits outside the read models, with why.
type DeadLetter struct {
	Aggregate events.Aggregate
	Position  events.Position
	Event     events.EventID
	Type      string // CloudEvents type as found
	Reason    string
}

// Apply takes in the next event of the log. An event that cannot be applied
// becomes a dead letter, and so do all later ones of its aggregate, so that
// they can be released in order. A deletion is obeyed even then: what was
// asked to be deleted must not stay readable because something else is broken.
func (r *Rows) Apply(e events.Event) {
	if err := r.check(e); err != nil {
		r.Park(e, err.Error())
		return
	}
	if _, erased := e.Body.(events.Tombstone); erased {
		r.release(e.Aggregate)
	}
	switch e.Aggregate.Kind {
	case events.KindOfSession:
		r.applySession(e)
	case events.KindOfTopic:
		r.applyTopic(e)
	case events.KindOfAccount:
		r.applyAccount(e)
		r.applyAudit(e)
	case events.KindOfAudit:
		r.applyAudit(e)
	case events.KindOfEmail:
		r.applyEmail(e)
	}
}

// Park puts an event among the dead letters.
func (r *Rows) Park(e events.Event, reason string) {
	letter := DeadLetter{e.Aggregate, e.Position, e.ID, e.Body.Kind().Type(), reason}
	if bad, is := e.Body.(*events.Unreadable); is {
		letter.Type = bad.Type
	}
	r.Parked[e.Aggregate] = true
	r.Letters = append(r.Letters, letter)
}

// check refuses an event before it changes anything.
func (r *Rows) check(e events.Event) error {
	switch b := e.Body.(type) {
	case *events.Unreadable:
		return events.Errorf(events.CodeInvalid, "%s", b.Reason)
	case *events.SessionDeleteRequested, *events.AccountDeleteRequested, events.Tombstone:
		return checkAggregate(e)
	}
	if r.Parked[e.Aggregate] {
		return events.Errorf(events.CodeConflict, "an earlier event of %s waits", e.Aggregate)
	}
	return checkAggregate(e)
}

// checkAggregate refuses an event on another aggregate than its kind's.
func checkAggregate(e events.Event) error {
	isClaims := e.Body.Kind() == events.KindClaimErased && e.Aggregate.Kind.IsClaim()
	if on := aggregateOf(e.Body.Kind()); on != e.Aggregate.Kind && !isClaims {
		return events.Errorf(events.CodeInvalid, "%s does not belong to a %s", e.Body.Kind(), e.Aggregate.Kind)
	}
	if e.Aggregate.Kind.IsClaim() || e.Aggregate.Kind == events.KindOfAudit {
		return nil // a hash or an hour, no ULID
	}
	_, err := events.ParseID[string](e.Aggregate.ID)
	return err
}

// aggregateOf reads the aggregate's kind from the name; whatever is not named
// after another one belongs to sessions.
func aggregateOf(k events.Kind) events.AggregateKind {
	switch {
	case k.OnAuditTrail():
		return events.KindOfAudit
	case k == events.KindCallClaimed:
		return events.KindOfCall // all else of calls is their session's
	}
	first, _, _ := strings.Cut(string(k), "_")
	switch of := events.AggregateKind(first); of {
	case events.KindOfAccount, events.KindOfEmail, events.KindOfIdentity, events.KindOfTopic:
		return of
	}
	return events.KindOfSession
}

// release lets the dead letters of what was erased go.
func (r *Rows) release(erased events.Aggregate) {
	delete(r.Parked, erased)
	r.Letters = slices.DeleteFunc(r.Letters, func(l DeadLetter) bool { return l.Aggregate == erased })
	r.Released = append(r.Released, erased)
}

// applySession takes in an event of a session. A row begins with
// session_started only: after an erasure, what is left of the session in the
// log makes no row. (No log starts a session twice; if one did, batches must
// not matter.)
func (r *Rows) applySession(e events.Event) {
	id := events.SessionID(e.Aggregate.ID)
	s := r.Sessions[id]
	if s == nil || s.Gone {
		if _, starts := e.Body.(*events.SessionStarted); !starts {
			return
		}
		emptied := s != nil // its stored parts still have to leave
		s = NewSessionRow(id)
		s.Emptied = emptied
		r.Sessions[id] = s
	}
	s.apply(e, r)
}

func (s *SessionRow) apply(e events.Event, within *Rows) {
	s.Position = max(s.Position, e.Position) // a released dead letter may be older than a deletion
	if _, erased := e.Body.(*events.SessionErased); erased {
		s.Empty()
		s.Emptied, s.Gone = true, true
	}
	if s.Gone || s.Deleted != nil {
		return // what arrives late is not read any more
	}
	s.Evolve(e)
	switch b := e.Body.(type) {
	case *events.SessionStarted:
		s.Language, s.Level = b.Language, b.Level
		s.Provider, s.Model, s.Voice, s.TranscriptionModel = b.Provider, b.Model, b.Voice, b.TranscriptionModel
		s.OwnTopic = sealedOf(e)
	case *events.SegmentTranscribed:
		s.hash(e, b, within)
	case *events.ResponseMeasured:
		s.measure(b, e.Rank())
	case *events.SessionDeleteRequested:
		s.Empty()
		s.Emptied, s.OwnTopic = true, Sealed{}
	}
}

// hash renews the word hashes of a part whose text this event settled. What the
// partner prompted is no one's words (realtime page): it counts in no search.
func (s *SessionRow) hash(e events.Event, b *events.SegmentTranscribed, within *Rows) {
	at := events.ItemKey{Call: b.Call, Item: b.Item}
	if s.Turns.Items[at].Part(b.Part).TextEvent.ID != e.ID {
		return
	}
	parts := maps.Clone(s.hashes[at])
	delete(parts, b.Part)
	key, known := within.Keys[s.ID]
	if b.Status == events.Final && known {
		if parts == nil {
			parts = PartHashes{}
		}
		parts[b.Part] = HashWords(key, within.heard.words(s.Language, b.Private.Text))
	}
	s.hashes[at] = parts
}

func (s *SessionRow) measure(b *events.ResponseMeasured, rank int64) {
	key := events.ResponseKey{Call: b.Call, Response: b.Response}
	if known := s.after[key]; !known.Known() || rank < known.Rank {
		s.after[key] = events.Ranked[int64]{Value: b.AfterMS, Rank: rank}
	}
}

func (r *Rows) applyTopic(e events.Event) {
	id := events.TopicID(e.Aggregate.ID)
	t := r.Topics[id]
	if t != nil && t.Gone {
		t = nil
	}
	switch b := e.Body.(type) {
	case *events.TopicAdded:
		r.Topics[id] = &TopicRow{id, b.Language, b.Level, b.Owner, b.Public, sealedOf(e), false, false, e.Position}
	case *events.TopicRevised:
		r.Topics[id] = &TopicRow{id, b.Language, b.Level, b.Owner, b.Public, sealedOf(e), t != nil && t.Retired, false, e.Position}
	case *events.TopicRetired:
		if t != nil {
			t.Retired, t.Position = true, e.Position
		}
	case *events.TopicErased:
		if t != nil {
			t.Gone = true
		}
	}
}

func (r *Rows) applyAccount(e events.Event) {
	id := events.AccountID(e.Aggregate.ID)
	a := r.Accounts[id]
	if a != nil && a.Gone {
		a = nil
	}
	if _, registers := e.Body.(*events.AccountRegistered); registers && a == nil {
		a = &AccountRow{ID: id, Roles: []events.Role{}, RegisteredAt: e.Time, Person: sealedOf(e)}
		r.Accounts[id] = a
	}
	if a == nil {
		return
	}
	a.Position = e.Position
	switch b := e.Body.(type) {
	case *events.AccountCredentialAdded:
		if b.Method == events.ByPassword {
			a.Credential = sealedOf(e)
		}
	case *events.AccountRoleGranted:
		if !slices.Contains(a.Roles, b.Role) {
			a.Roles = append(a.Roles, b.Role)
		}
	case *events.AccountRoleWithdrawn:
		a.Roles = slices.DeleteFunc(slices.Clone(a.Roles), func(r events.Role) bool { return r == b.Role })
	case *events.AccountDeleteRequested:
		a.Roles, a.Person, a.Credential = []events.Role{}, Sealed{}, Sealed{}
	case *events.AccountErased:
		a.Gone = true
	}
}

func (r *Rows) applyEmail(e events.Event) {
	row := &EmailRow{Hash: e.Aggregate.ID, Position: e.Position}
	switch b := e.Body.(type) {
	case *events.EmailClaimed:
		row.Account = b.Account
	case *events.ClaimErased:
		if held := r.Emails[row.Hash]; held == nil || !b.Positions.Has(int64(held.Position)) {
			return // it is another's, or nobody's already
		}
	}
	r.Emails[row.Hash] = row
}
