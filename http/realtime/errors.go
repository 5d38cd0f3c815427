package realtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Class is why the provider did not do what was asked. The list is closed;
// each class asks something else of the learner or the operator.
type Class string

// The closed list of classes.
const (
	// ClassQuota: the account has no credit left. The operator must act.
	ClassQuota Class = "quota"
	// ClassKey: the API key is wrong or may not do this. The operator must act.
	ClassKey Class = "key"
	// ClassModelGone: the model or deployment does not exist (any more).
	ClassModelGone Class = "model_gone"
	// ClassRate: too many requests just now; later it may work.
	ClassRate Class = "rate"
	// ClassNetwork: no answer came, or none in time.
	ClassNetwork Class = "network"
	// ClassUnknown: anything else, and answers that make no sense.
	ClassUnknown Class = "unknown"
)

// Error is the only error of [Client]. It holds neither key nor token nor the
// provider's prose, which is known to quote keys.
type Error struct {
	// Op is what was tried: "mint" or "hang up".
	Op string
	// Class is why it failed.
	Class Class
	// Status is the HTTP status, 0 when no answer came.
	Status int
	// Code is the provider's own short code, for the operator; may be empty.
	Code string
	// Retryable says that the same request may succeed later.
	Retryable bool
	// Err is what lies beneath; may be nil.
	Err error
}

// Error says what failed and why, for the log.
func (e *Error) Error() string {
	text := fmt.Sprintf("realtime: %s: %s", e.Op, e.Class)
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d %s)", e.Status, e.Code)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

// refusal reads an answer that is no success. OpenAI and Azure both wrap
// their code as {"error":{"code","type"}}.
func refusal(op string, status int, body []byte) *Error {
	var wire struct {
		Error struct {
			Code json.RawMessage `json:"code"`
			Type json.RawMessage `json:"type"`
		} `json:"error"`
	}
	failure := &Error{Op: op, Status: status}
	// A body in another shape is common here (proxies answer in HTML) and
	// only costs the code: the status still classifies.
	if json.Unmarshal(body, &wire) == nil {
		failure.Code = shortCode(wire.Error.Code)
		if failure.Code == "" {
			failure.Code = shortCode(wire.Error.Type)
		}
	}
	failure.Class = classify(status, failure.Code)
	failure.Retryable = failure.Class == ClassRate || status >= 500
	return failure
}

func classify(status int, code string) Class {
	switch {
	case code == "insufficient_quota" || status == http.StatusPaymentRequired:
		return ClassQuota
	case code == "model_not_found" || code == "DeploymentNotFound":
		return ClassModelGone
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return ClassKey
	case status == http.StatusTooManyRequests:
		return ClassRate
	default:
		return ClassUnknown
	}
}

// shortCode lets through what looks like a code and nothing that could carry
// a sentence, a key or a line break into a log.
func shortCode(raw json.RawMessage) string {
	var code string
	if json.Unmarshal(raw, &code) != nil || len(code) > 64 || strings.HasPrefix(code, "sk-") {
		return ""
	}
	for _, r := range code {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", r) {
			return ""
		}
	}
	return code
}
