package events

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// KindOfAudit is the trail of what was done about one account: its sign-ins, and
// who read its content. What is about no known account lies on a trail of the
// hour.
const KindOfAudit AggregateKind = "audit"

// The kinds of audit trails. Deletions are noted here too, since a session's own
// events do not outlive it; what changes an account (its roles, its
// credentials) is on the account's own stream.
const (
	KindSignedIn          Kind = "signed_in"
	KindSignInFailed      Kind = "sign_in_failed"
	KindContentRead       Kind = "content_read"
	KindExported          Kind = "exported"
	KindDeletionRequested Kind = "deletion_requested"
	KindOperatorActed     Kind = "operator_acted"
	KindCallRefused       Kind = "call_refused"
	KindAuditInterrupted  Kind = "audit_interrupted"
)

// MaxReason is the longest reason that somebody may give, in bytes.
const MaxReason = 500

// AuditOf is the trail about an account.
func AuditOf(account AccountID) Aggregate { return Aggregate{KindOfAudit, string(account)} }

// AuditOfHour is the trail of what is about no known account. Each instance has
// a shard, so that many of them do not wait for each other.
func AuditOfHour(at time.Time, shard uint8) Aggregate {
	return Aggregate{KindOfAudit, fmt.Sprintf("%s.%d", at.UTC().Format("2006010215"), shard)}
}

// AddressPrefix is what is kept of where a request came from: a network of 256
// addresses (/24), or one site's (/48). It is empty for no address.
func AddressPrefix(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	bits := 48
	if from.Is4() {
		bits = 24
	}
	prefix, err := from.Prefix(bits)
	if err != nil || !prefix.IsValid() {
		return ""
	}
	return prefix.String()
}

// SignedIn: somebody proved to be the account's.
type SignedIn struct {
	Method  string `json:"method"`
	Address string `json:"address,omitempty"` // prefix
}

// SignInFailed: somebody did not. Failures after the first of a minute are
// counted and noted together.
type SignInFailed struct {
	Method  string `json:"method"`
	Address string `json:"address,omitempty"` // prefix
	Count   int    `json:"count"`
}

// ContentRead: the actor was given what was said in a session that is not hers.
// It is stored before she is. It lies on the learner's trail.
type ContentRead struct {
	Session SessionID `json:"session"`
	Through Position  `json:"through"` // of the session's last event that was read
	Reason  string    `json:"reason"`
	Address string    `json:"address,omitempty"` // prefix
}

// Exported: content left in a file.
type Exported struct {
	What    string    `json:"what"` // the operation: "transcript-vtt"
	Session SessionID `json:"session,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Address string    `json:"address,omitempty"` // prefix
}

// DeletionRequested: the actor asked to erase something for good.
type DeletionRequested struct {
	Object  string `json:"object"` // an aggregate: "session/01J…"
	Address string `json:"address,omitempty"`
}

// OperatorActed: an operator did, or is about to do, something that learners
// cannot.
type OperatorActed struct {
	Action  string `json:"action"`           // the command: "recover --end"
	Object  string `json:"object,omitempty"` // an aggregate: "session/01J…"; empty for the whole
	Reason  string `json:"reason"`
	Address string `json:"address,omitempty"` // prefix; empty for the command line
}

// Why a call was refused.
const (
	RefusedClaimed  = "claimed"  // it is another's, or the session's call has another id
	RefusedUnmarked = "unmarked" // it was not opened with the token that it was claimed for
)

// CallRefused: somebody named a call at the provider that is not the session's.
// Nothing of it was believed.
type CallRefused struct {
	Session SessionID `json:"session"`
	Call    int       `json:"call"`
	Why     string    `json:"why"`
	Address string    `json:"address,omitempty"` // prefix
}

// AuditInterrupted: so many notes of each kind could not be stored, as the log
// did not take them as fast as they came.
type AuditInterrupted struct {
	Missed map[Kind]int `json:"missed"`
	Since  time.Time    `json:"since"`
}

// Kind is signed_in.
func (*SignedIn) Kind() Kind { return KindSignedIn }

// Kind is sign_in_failed.
func (*SignInFailed) Kind() Kind { return KindSignInFailed }

// Kind is content_read.
func (*ContentRead) Kind() Kind { return KindContentRead }

// Kind is exported.
func (*Exported) Kind() Kind { return KindExported }

// Kind is deletion_requested.
func (*DeletionRequested) Kind() Kind { return KindDeletionRequested }

// Kind is operator_acted.
func (*OperatorActed) Kind() Kind { return KindOperatorActed }

// Kind is call_refused.
func (*CallRefused) Kind() Kind { return KindCallRefused }

// Kind is audit_interrupted.
func (*AuditInterrupted) Kind() Kind { return KindAuditInterrupted }

// OnAuditTrail tells whether events of a kind belong to an audit trail.
func (k Kind) OnAuditTrail() bool {
	switch k {
	case KindSignedIn, KindSignInFailed, KindContentRead, KindExported,
		KindDeletionRequested, KindOperatorActed, KindCallRefused, KindAuditInterrupted, KindAuditErased:
		return true
	}
	return false
}

// CheckReason refuses an empty or endless reason. Errors: CodeInvalid.
func CheckReason(reason string) error {
	isControl := func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
	if strings.TrimSpace(reason) == "" || len(reason) > MaxReason || strings.ContainsFunc(reason, isControl) {
		return Errorf(CodeInvalid, "a reason is needed: one line of at most %d bytes; others read it, so name nobody in it", MaxReason)
	}
	return nil
}
