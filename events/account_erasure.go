package events

import (
	"slices"
	"time"
)

// The kinds of an account's erasure, beside account_erased.
const (
	KindAccountDeleteRequested Kind = "account_delete_requested"
	KindAccountErasurePlanned  Kind = "account_erasure_planned"
)

// AccountDeleteRequested closes an account: from here on nobody signs in to it,
// and nothing of it is read.
type AccountDeleteRequested struct {
	// Receipt is the SHA-256, in hex, of the secret that opens the receipt once
	// nobody can sign in any more; empty when nobody was given one.
	Receipt string `json:"receipt,omitempty"`
}

// AccountErasurePlanned lists what the log holds of a closed account: an erasure
// that was cut short finds here what the sweep has begun to remove.
type AccountErasurePlanned struct {
	Belongings Belongings `json:"belongings"`
}

// Belongings are the streams of an account beside its own and its audit trail.
type Belongings struct {
	Sessions   []SessionID `json:"sessions,omitempty"`
	Topics     []TopicID   `json:"topics,omitempty"`
	Emails     []string    `json:"emails,omitempty"`     // keyed hashes of addresses whose claims name it
	Identities []string    `json:"identities,omitempty"` // keyed hashes of identities whose claims name it
	// Claimed are the positions of those claims' events.
	Claimed Numbers `json:"claimed,omitzero"`
}

// Count is how many there are.
func (b Belongings) Count() int {
	return len(b.Sessions) + len(b.Topics) + len(b.Emails) + len(b.Identities)
}

// Claims are the streams of addresses and identities.
func (b Belongings) Claims() []Aggregate {
	var claims []Aggregate
	for _, hash := range b.Emails {
		claims = append(claims, EmailAggregate(hash))
	}
	for _, hash := range b.Identities {
		claims = append(claims, IdentityAggregate(hash))
	}
	return claims
}

// With are those of both.
func (b Belongings) With(other Belongings) Belongings {
	return Belongings{
		Sessions:   union(b.Sessions, other.Sessions),
		Topics:     union(b.Topics, other.Topics),
		Emails:     union(b.Emails, other.Emails),
		Identities: union(b.Identities, other.Identities),
		Claimed:    b.Claimed.Union(other.Claimed),
	}
}

func union[T ~string](a, b []T) []T {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// AccountErased is an account's tombstone, written once all keys are gone. Like
// SessionErased it comes a second time, with SweptAt.
type AccountErased struct {
	Positions    Numbers    `json:"positions"`
	Events       int        `json:"events"` // its own; once counted, of all that belongs to it
	Sessions     int        `json:"sessions"`
	UnreadableAt time.Time  `json:"unreadable_at"`
	SweptAt      *time.Time `json:"swept_at,omitempty"`
	RequestedAt  *time.Time `json:"requested_at,omitempty"`
	Topics       int        `json:"topics,omitempty"`
	Claims       int        `json:"claims,omitempty"`  // on addresses, identities and calls, of all its sessions
	Objects      int        `json:"objects,omitempty"` // in the store, of all its sessions
	Receipt      string     `json:"receipt,omitempty"` // as in AccountDeleteRequested
	Copies       []Copy     `json:"copies,omitempty"`  // of the log
	// Counted: what belongs to the account is swept, and in these counts and copies;
	// its own events are left.
	Counted bool `json:"counted,omitempty"`
}

// Kind is account_delete_requested.
func (*AccountDeleteRequested) Kind() Kind { return KindAccountDeleteRequested }

// Kind is account_erasure_planned.
func (*AccountErasurePlanned) Kind() Kind { return KindAccountErasurePlanned }

// Kind is account_erased.
func (*AccountErased) Kind() Kind { return KindAccountErased }

// Removed lists what an erasure removed of an account's own stream.
func (b *AccountErased) Removed() Numbers { return b.Positions }

// Swept tells whether it is the last tombstone.
func (b *AccountErased) Swept() bool { return b.SweptAt != nil }

func (a *Account) gone() bool { return a.Deleted != nil || a.Erased != nil }

// empty takes away all that the account was used with.
func (a *Account) empty() {
	a.Roles, a.Credentials, a.Invitation, a.Reset = map[Role]bool{}, nil, nil, nil
}

// RequestDelete closes the account; doing it again drafts nothing, and the first
// receipt stands. Errors: CodeNotFound for an account that never was.
func (a *Account) RequestDelete(receipt string) ([]Event, error) {
	if a.gone() {
		return nil, nil
	}
	if err := a.missing(); err != nil {
		return nil, err
	}
	return Draft(&AccountDeleteRequested{receipt}), nil
}

// AccountErasure is what the eraser has to know of an account: what was asked,
// what belongs to it, where its own events lie, and its tombstone.
type AccountErasure struct {
	Requested   *AccountDeleteRequested
	RequestedAt time.Time
	Planned     bool
	Belongings  Belongings
	Positions   Numbers        // of its own events but tombstones, also of those removed before
	Erased      *AccountErased // the latest tombstone
}

// Evolve takes in the next event.
func (a *AccountErasure) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *AccountErased:
		a.Erased = b
		a.Positions = a.Positions.Union(b.Positions)
		return
	case *AccountDeleteRequested:
		a.Requested, a.RequestedAt = b, e.Time
	case *AccountErasurePlanned:
		a.Planned, a.Belongings = true, a.Belongings.With(b.Belongings)
	}
	a.Positions = a.Positions.With(Range{int64(e.Position), int64(e.Position)})
}

// mostPlanned is how many belongings one event lists: 1 MiB is the most that a
// message holds.
const mostPlanned = 10_000

// Plan notes what belongs to the account, once. Errors: CodeConflict when nobody
// asked to delete it.
func (a *AccountErasure) Plan(found Belongings) ([]Event, error) {
	switch {
	case a.Requested == nil && a.Erased == nil:
		return nil, Errorf(CodeConflict, "nobody asked to delete this account")
	case a.Planned || a.Erased != nil:
		return nil, nil
	}
	drafts := Draft(&AccountErasurePlanned{Belongings{Topics: found.Topics, Emails: found.Emails, Identities: found.Identities, Claimed: found.Claimed}})
	for some := range slices.Chunk(found.Sessions, mostPlanned) {
		drafts = append(drafts, Draft(&AccountErasurePlanned{Belongings{Sessions: some}})...)
	}
	return drafts, nil
}

// Erase sets the tombstone once all keys are gone; one that is counted follows, and
// SweptAt completes it. Where its own events lie is filled in here, and they are counted
// with the others. Repeating it drafts nothing.
// Errors: CodeConflict when nobody asked to delete the account.
func (a *AccountErasure) Erase(b *AccountErased) ([]Event, error) {
	switch {
	case a.Requested == nil && a.Erased == nil:
		return nil, Errorf(CodeConflict, "nobody asked to delete this account")
	case a.Erased != nil && (a.Erased.SweptAt != nil || b.SweptAt == nil && (a.Erased.Counted || !b.Counted)):
		return nil, nil
	}
	tombstone := *b
	tombstone.Positions = a.Positions
	if b.SweptAt == nil {
		tombstone.Events += int(a.Positions.Count())
	}
	return Draft(&tombstone), nil
}
