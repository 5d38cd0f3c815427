package events

import "time"

// KindClaimErased is the tombstone of claims.
const KindClaimErased Kind = "claim_erased"

// ClaimErased stands for events of a claim that named an account or a session which
// was erased; it names nobody. The claim may be another's meanwhile.
type ClaimErased struct {
	Positions Numbers    `json:"positions"`
	SweptAt   *time.Time `json:"swept_at,omitempty"`
	Copies    []Copy     `json:"copies,omitempty"` // of the log
}

// Kind is claim_erased.
func (*ClaimErased) Kind() Kind { return KindClaimErased }

// Removed lists what an erasure removed of a claim.
func (b *ClaimErased) Removed() Numbers { return b.Positions }

// Swept tells whether it is the last tombstone.
func (b *ClaimErased) Swept() bool { return b.SweptAt != nil }

// frees tells whether it stands for a claiming at that position, so that nobody
// holds by it any more.
func (b *ClaimErased) frees(at Position) bool { return b.Positions.Has(int64(at)) }

// IsClaim is true of what is claimed by its keyed hash: addresses, identities at
// providers, calls at the provider.
func (k AggregateKind) IsClaim() bool {
	return k == KindOfEmail || k == KindOfIdentity || k == KindOfCall
}

// Named is whom an event of a claim names: the id of an account or a session; empty
// for a tombstone.
func Named(body Body) string {
	switch b := body.(type) {
	case *EmailClaimed:
		return string(b.Account)
	case *EmailReleased:
		return string(b.Account)
	case *IdentityClaimed:
		return string(b.Account)
	case *IdentityReleased:
		return string(b.Account)
	case *CallClaimed:
		return string(b.Session)
	}
	return ""
}

// ClaimRemains is what an erasure has to know of a claim: which of its events name
// the one who is erased, and what its tombstones say. Others may have held it before
// and after.
type ClaimRemains struct {
	of     string
	named  Numbers // events that name the erased one
	buried Numbers // what tombstones stand for
	swept  Numbers // what those stand for that are the last
	Copies []Copy  // of all that was swept
}

// NewClaimRemains is that of a claim for the erasure of an account or a session, by
// its id; by none it is that of the sweep, which goes by tombstones alone.
func NewClaimRemains(of string) *ClaimRemains { return &ClaimRemains{of: of} }

// Evolve takes in the next event.
func (c *ClaimRemains) Evolve(e Event) {
	if b, is := e.Body.(*ClaimErased); is {
		c.buried = c.buried.Union(b.Positions)
		if b.Swept() {
			c.swept = c.swept.Union(b.Positions)
			c.Copies = JoinCopies(c.Copies, b.Copies)
		}
		return
	}
	if c.of != "" && Named(e.Body) == c.of {
		c.named = c.named.With(Range{int64(e.Position), int64(e.Position)})
	}
}

// Buried tells whether there is a tombstone.
func (c *ClaimRemains) Buried() bool { return !c.buried.Empty() }

// Bury sets the tombstone of what names the erased one; once.
func (c *ClaimRemains) Bury() []Event {
	if left := c.named.Without(c.buried); !left.Empty() {
		return Draft(&ClaimErased{Positions: left})
	}
	return nil
}

// ToSweep are the events that tombstones stand for and no last one.
func (c *ClaimRemains) ToSweep() Numbers { return c.buried.Without(c.swept) }

// Sweep sets the last tombstone of what was overwritten; once.
func (c *ClaimRemains) Sweep(overwritten Numbers, at time.Time, copies []Copy) []Event {
	if overwritten.Empty() || c.ToSweep().Without(overwritten).Equal(c.ToSweep()) {
		return nil
	}
	return Draft(&ClaimErased{Positions: overwritten, SweptAt: &at, Copies: copies})
}
