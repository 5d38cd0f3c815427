package realtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
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

// Error is the only error of [Client]. It holds neither key nor token.
type Error struct {
	// Op is what was tried: "mint", "call", "hang up" or "listen".
	Op string
	// Class is why it failed.
	Class Class
	// Status is the HTTP status, 0 when no answer came.
	Status int
	// Code is the provider's own short code, for the operator; may be empty.
	Code string
	// Message is the provider's prose, for the operator, without what could
	// be a key: it is known to quote them. May be empty.
	Message string
	// RequestID is what the provider's support asks for; may be empty.
	RequestID string
	// RetryAfter is how long the provider asks to wait; 0: it does not say.
	RetryAfter time.Duration
	// Retryable says that the same request may succeed later.
	Retryable bool
	// Err is what lies beneath; may be nil.
	Err error
}

// Error says what failed and why, for the log. It is on one line and holds no
// secret.
func (e *Error) Error() string {
	text := fmt.Sprintf("realtime: %s: %s", e.Op, e.Class)
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d %s)", e.Status, e.Code)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " [request " + e.RequestID + "]"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

// refusal reads an answer that is no success. OpenAI and Azure both wrap
// their code as {"error":{"code","type","message"}}.
func (c *Client) refusal(op string, got answer) *Error {
	var wire struct {
		Error struct {
			Code    json.RawMessage `json:"code"`
			Type    json.RawMessage `json:"type"`
			Message json.RawMessage `json:"message"`
		} `json:"error"`
	}
	failure := &Error{Op: op, Status: got.status}
	// A body in another shape is common here (proxies answer in HTML) and
	// only costs the code: the status still classifies.
	if json.Unmarshal(got.body, &wire) == nil {
		failure.Code = shortCode(wire.Error.Code)
		if failure.Code == "" {
			failure.Code = shortCode(wire.Error.Type)
		}
		failure.Message = c.prose(wire.Error.Message)
	}
	failure.RequestID = requestID(got.header)
	failure.RetryAfter = retryAfter(got.header)
	failure.Class = classify(got.status, failure.Code)
	failure.Retryable = failure.Class == ClassRate || got.status >= 500
	return failure
}

// classes are the codes that say more than the status does.
// Source: OpenAI, "Error codes"; Azure OpenAI's REST reference.
var classes = map[string]Class{
	"insufficient_quota":         ClassQuota,
	"billing_hard_limit_reached": ClassQuota,
	"billing_not_active":         ClassQuota,
	"model_not_found":            ClassModelGone,
	"DeploymentNotFound":         ClassModelGone,
	"rate_limit_exceeded":        ClassRate,
	"invalid_api_key":            ClassKey,
	"account_deactivated":        ClassKey,
}

func classify(status int, code string) Class {
	if class, known := classes[code]; known {
		return class
	}
	switch status {
	case http.StatusPaymentRequired:
		return ClassQuota
	case http.StatusGone:
		return ClassModelGone
	case http.StatusUnauthorized, http.StatusForbidden:
		return ClassKey
	case http.StatusTooManyRequests:
		return ClassRate
	default:
		return ClassUnknown
	}
}

const (
	// longestProse bounds what is kept of the provider's prose, in bytes.
	longestProse = 400
	// longestWait bounds what is believed of Retry-After.
	longestWait = time.Hour
)

// secretive is what could be a key or a token: a known beginning, or a long
// word that no language has. Providers show the ends of a key and stars
// between.
var secretive = regexp.MustCompile(`\b(sk|ek|sess|pk)[-_][\w*.-]+|[\w*+/=-]{24,}`)

// prose keeps the provider's own words, on one line, without what could be a
// secret.
func (c *Client) prose(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "" // nothing, or no text
	}
	if key := c.config.APIKey; key != "" {
		text = strings.ReplaceAll(text, key, redacted)
	}
	text = secretive.ReplaceAllString(text, redacted)
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == ' ' }), " ")
	return strings.ToValidUTF8(text[:min(len(text), longestProse)], "")
}

func requestID(header http.Header) string {
	id := header.Get("X-Request-Id")
	if id == "" {
		id = header.Get("Apim-Request-Id") // Azure
	}
	return shortText(id)
}

// retryAfter reads the header in seconds; the form with a date is not in use
// by these providers.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestWait)
}

// shortCode reads a code.
func shortCode(raw json.RawMessage) string {
	var code string
	if json.Unmarshal(raw, &code) != nil {
		return "" // some are null, some are numbers
	}
	return shortText(code)
}

var short = regexp.MustCompile(`^[\w.-]{1,64}$`)

// shortText lets through what looks like a code and nothing that could carry
// a sentence, a key or a line break into a log.
func shortText(text string) string {
	if !short.MatchString(text) || strings.HasPrefix(text, "sk-") {
		return ""
	}
	return text
}
