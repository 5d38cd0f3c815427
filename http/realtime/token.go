package realtime

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// redacted stands wherever a Secret would have been printed.
const redacted = "[redacted]"

// Token opens one call. It is checked when the call is made and never again:
// its expiry does not end a running call.
type Token struct {
	// Value is the provider's client secret.
	Value Secret
	// ExpiresAt is when the provider stops accepting it, in UTC.
	ExpiresAt time.Time
	// CallsURL is where the browser posts its offer.
	CallsURL string
	// Model is the model that the call will talk with.
	Model string
	// Session is what the page must send as the session of a session.update
	// when the call is open. Empty: the provider has it with the token.
	Session json.RawMessage
	// Resume is what the page must send as the session of a session.update
	// once the history is in, so that turns are answered by themselves from
	// then on. Empty: nothing was held (MintRequest.Hold), or it answers by
	// hand anyway.
	Resume json.RawMessage
}

// Secret is text that must not be seen. Printing, logging and marshalling
// give a placeholder; [Secret.Reveal] is the only way out.
type Secret struct{ value string }

// NewSecret hides a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the value itself: for the one answer that hands a token to
// the learner's browser.
func (s Secret) Reveal() string { return s.value }

// String gives the placeholder.
func (s Secret) String() string { return redacted }

// Format gives the placeholder for every verb of fmt, %#v and %d included.
func (s Secret) Format(state fmt.State, _ rune) {
	// A formatter has nobody to report to: fmt itself ignores this error.
	_, _ = io.WriteString(state, redacted)
}

// MarshalText gives the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
