package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Tombstone is a body that stands for removed events of its own aggregate. It
// comes twice: when they are unreadable, and when they are swept.
type Tombstone interface {
	Body
	// Removed are the positions of the events that it stands for.
	Removed() Numbers
	// Swept tells whether their bytes are gone too.
	Swept() bool
}

// IsTombstone tells whether events of a kind are tombstones.
func (k Kind) IsTombstone() bool {
	switch k {
	case KindSessionErased, KindAccountErased, KindTopicErased, KindAuditErased, KindClaimErased:
		return true
	}
	return false
}

// Removed lists what an erasure removed of a session.
func (b *SessionErased) Removed() Numbers { return b.Positions }

// Swept tells whether it is the last tombstone.
func (b *SessionErased) Swept() bool { return b.SweptAt != nil }

// OwnerKey names the vault's key for OwnerOf.
const OwnerKey = "receipt"

// OwnerOf is what a tombstone keeps of whose session it was: enough for its learner
// to be recognized, and nothing by which her tombstones could be told from others'.
func OwnerOf(key [32]byte, session SessionID, learner AccountID) string {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(string(session) + "/" + string(learner)))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Copy is another place on the log's servers that held the same events.
type Copy struct {
	Stream  string `json:"stream"`
	Kind    string `json:"kind"`           // mirror, source, raft_log
	Removed int    `json:"removed"`        // events overwritten there
	Left    string `json:"left,omitempty"` // why some may still be there; empty when none is
}

// Erasure is an entry of the ledger.
type Erasure struct {
	Of       Aggregate // a session, an account, a learner's own topic, or a claim
	ErasedAt time.Time
	// Asked: it was only asked for when its log was about to be replaced. Its keys are
	// destroyed; what else there is of it an eraser still has to remove.
	Asked   bool
	Receipt string // as in AccountDeleteRequested, of what was asked for
}

// The kinds of copies.
const (
	CopyMirror  = "mirror"   // a stream that mirrors the log
	CopySource  = "source"   // a stream that takes the log in among others
	CopyRaftLog = "raft_log" // what the replicas of the log tell each other
)

// JoinCopies are those of both, each place once: what was overwritten there in all,
// and each reason why something was left.
func JoinCopies(a, b []Copy) []Copy {
	all := slices.Clone(a)
	for _, c := range b {
		at := slices.IndexFunc(all, func(known Copy) bool { return known.Stream == c.Stream && known.Kind == c.Kind })
		if at < 0 {
			all = append(all, c)
			continue
		}
		all[at].Removed += c.Removed
		if !strings.Contains(all[at].Left, c.Left) {
			all[at].Left = strings.TrimPrefix(all[at].Left+"; "+c.Left, "; ")
		}
	}
	return all
}

// The tombstones of what an account holds beside its sessions and its claims.
const (
	KindTopicErased Kind = "topic_erased"
	KindAuditErased Kind = "audit_erased"
)

// TopicErased is the tombstone of a learner's own topic.
type TopicErased struct {
	Positions Numbers    `json:"positions"`
	SweptAt   *time.Time `json:"swept_at,omitempty"`
	Copies    []Copy     `json:"copies,omitempty"` // of the log
}

// AuditErased is the tombstone of the audit trail about an account.
type AuditErased struct {
	Positions Numbers    `json:"positions"`
	SweptAt   *time.Time `json:"swept_at,omitempty"`
	Copies    []Copy     `json:"copies,omitempty"` // of the log
}

// Kind is topic_erased.
func (*TopicErased) Kind() Kind { return KindTopicErased }

// Removed lists what an erasure removed of a topic.
func (b *TopicErased) Removed() Numbers { return b.Positions }

// Swept tells whether it is the last tombstone.
func (b *TopicErased) Swept() bool { return b.SweptAt != nil }

// Kind is audit_erased.
func (*AuditErased) Kind() Kind { return KindAuditErased }

// Removed lists what an erasure removed of a trail.
func (b *AuditErased) Removed() Numbers { return b.Positions }

// Swept tells whether it is the last tombstone.
func (b *AuditErased) Swept() bool { return b.SweptAt != nil }

// Remains is what an erasure has to know of a topic or an audit trail: where
// its events lie, and what its last tombstone says.
type Remains struct {
	of        Aggregate
	Positions Numbers   // of all its events but tombstones, also of those removed before
	Tombstone Tombstone // the last one; nil before
	Copies    []Copy    // of all that was swept
}

// NewRemains is that of a topic or an audit trail.
func NewRemains(of Aggregate) *Remains { return &Remains{of: of} }

// Evolve takes in the next event.
func (r *Remains) Evolve(e Event) {
	if tombstone, is := e.Body.(Tombstone); is {
		r.Tombstone = tombstone
		r.Positions = r.Positions.Union(tombstone.Removed())
		switch b := tombstone.(type) {
		case *TopicErased:
			r.Copies = JoinCopies(r.Copies, b.Copies)
		case *AuditErased:
			r.Copies = JoinCopies(r.Copies, b.Copies)
		}
		return
	}
	r.Positions = r.Positions.With(Range{int64(e.Position), int64(e.Position)})
}

// Erase sets the tombstone of all that there is; sweptAt completes it, with the copies
// that were cleaned then. Repeating either drafts nothing, unless something came behind
// the tombstone.
func (r *Remains) Erase(sweptAt *time.Time, copies []Copy) []Event {
	if r.Positions.Empty() {
		return nil
	}
	known := r.Tombstone != nil && r.Tombstone.Removed().Equal(r.Positions)
	if known && (sweptAt == nil || r.Tombstone.Swept()) {
		return nil
	}
	if r.of.Kind == KindOfAudit {
		return Draft(&AuditErased{r.Positions, sweptAt, copies})
	}
	return Draft(&TopicErased{r.Positions, sweptAt, copies})
}
