package jetstream

import (
	"context"

	"parley/events"
)

// VaultStatus is what an operator may know about the vault.
type VaultStatus struct {
	Generation int    `json:"generation"`
	Stream     Stream `json:"stream"`
	Vault      string `json:"vault"`      // the same in all generations
	MasterKey  string `json:"master_key"` // where it comes from
	Keys       int    `json:"keys"`       // that open under it
	Destroyed  int    `json:"destroyed"`
	Unopened   int    `json:"unopened"`   // that do not open: a fault
	Rotating   bool   `json:"rotating"`   // one is under way or was cut
	Frozen     bool   `json:"frozen"`     // and stands before its switch: no key can be made
	CacheMost  int    `json:"cache_most"` // keys that one program holds at most
}

// Status reads the live generation whole and opens every key.
// Errors: CodeUnavailable.
func (v *Vault) Status(ctx context.Context) (VaultStatus, error) {
	g, err := v.unlocked(ctx)
	if err != nil {
		return VaultStatus{}, err
	}
	found, err := generations(ctx, v.publisher.js, v.config.AnswerWait)
	if err != nil {
		return VaultStatus{}, err
	}
	s := VaultStatus{
		Generation: g.number, Stream: Stream(g.stream()), MasterKey: v.config.MasterKey.String(),
		Rotating: len(found) > 1, CacheMost: v.config.CachedKeys,
	}
	for _, each := range found {
		if each.Number == g.number {
			s.Vault, s.Frozen = each.Vault, each.Ended
		}
	}
	s.Rotating = s.Rotating || s.Frozen
	return s, s.count(ctx, g)
}

func (s *VaultStatus) count(ctx context.Context, g *generation) error {
	opened := contents{}
	broken := map[string]bool{}
	_, err := g.each(ctx, 0, func(m *stored) error {
		k, err := g.decode(m)
		delete(broken, k.name)
		if opened[k.name] = k.digest; err != nil {
			delete(opened, k.name)
			broken[k.name] = true
		}
		return nil
	})
	s.Keys, s.Destroyed = opened.count()
	s.Unopened = len(broken)
	if err != nil {
		return events.Wrap(err, events.CodeUnavailable, "the data keys cannot be counted")
	}
	return nil
}
