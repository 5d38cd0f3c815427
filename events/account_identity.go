package events

// KindOfIdentity is the claim on who somebody is at an OpenID provider.
const KindOfIdentity AggregateKind = "identity"

// IdentityAggregate is the claim on a provider's subject, by the keyed hash of both.
func IdentityAggregate(hash string) Aggregate { return Aggregate{KindOfIdentity, hash} }

// IdentityClaimed says whose a provider's subject is; it stands in the stream's
// keyed hash.
type IdentityClaimed struct {
	Account AccountID `json:"account"`
}

// IdentityReleased frees it.
type IdentityReleased struct {
	Account AccountID `json:"account"`
}

// Kind is identity_claimed.
func (*IdentityClaimed) Kind() Kind { return KindIdentityClaimed }

// Kind is identity_released.
func (*IdentityReleased) Kind() Kind { return KindIdentityReleased }

// IdentityClaim is the claim on one subject of a provider.
type IdentityClaim struct {
	Holder AccountID
	at     Position // of the event that it is held by
}

// Evolve takes in the next event.
func (c *IdentityClaim) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *IdentityClaimed:
		c.Holder, c.at = b.Account, e.Position
	case *IdentityReleased:
		c.Holder = ""
	case *ClaimErased:
		if b.frees(c.at) {
			c.Holder = ""
		}
	}
}

// Claim takes the subject for an account. It may be taken over from a holder who
// does not hold it as a credential (a crash between the two): abandoned tells
// whether that is so. Errors: CodeConflict when it is another account's.
func (c *IdentityClaim) Claim(by AccountID, abandoned func(holder AccountID) (bool, error)) ([]Event, error) {
	taken := Errorf(CodeConflict, "this sign-in belongs to another account here")
	return claim(c.Holder, &IdentityClaimed{Account: by}, by, abandoned, taken)
}

// Release frees the subject. What another holds drafts nothing.
func (c *IdentityClaim) Release(by AccountID) ([]Event, error) {
	if c.Holder != by {
		return nil, nil
	}
	return Draft(&IdentityReleased{Account: by}), nil
}
