package http

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"parley/events"
)

// Problem is an RFC 9457 document. Code is stable; Detail is for a person.
type Problem struct {
	Type   string              `json:"type" doc:"about:blank"`
	Title  string              `json:"title" doc:"The HTTP status in words"`
	Status int                 `json:"status" doc:"The HTTP status"`
	Detail string              `json:"detail" doc:"What was wrong, where, and what to do"`
	Code   string              `json:"code" doc:"Stable name of the problem"`
	Errors []*huma.ErrorDetail `json:"errors,omitempty" doc:"Where the input was wrong" nullable:"false"`

	headers http.Header // of the answer: when to come again
}

// GetHeaders are the answer's; huma sets them too.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// Error is the detail.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes huma answer with the problem type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statusOf is the one table between codes and HTTP statuses. What was erased
// reads like what never was.
var statusOf = map[events.Code]int{
	events.CodeInvalid:         http.StatusUnprocessableEntity,
	events.CodeUnauthenticated: http.StatusUnauthorized,
	events.CodeForbidden:       http.StatusForbidden,
	events.CodeNotFound:        http.StatusNotFound,
	events.CodeConflict:        http.StatusConflict,
	events.CodeEnded:           http.StatusConflict,
	events.CodeErased:          http.StatusNotFound,
	events.CodeUnknownCall:     http.StatusConflict,
	events.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	events.CodeTooSmall:        http.StatusUnprocessableEntity,
	events.CodeUnsupportedType: http.StatusUnsupportedMediaType,
	events.CodeChecksum:        http.StatusUnprocessableEntity,
	events.CodeAlreadyStored:   http.StatusPreconditionFailed,
	events.CodeLimited:         http.StatusTooManyRequests,
	events.CodeTooManyCalls:    http.StatusTooManyRequests,
	events.CodeUsedUp:          http.StatusTooManyRequests,
	events.CodeProvider:        http.StatusBadGateway,
	events.CodeProviderQuota:   http.StatusBadGateway,
	events.CodeProviderKey:     http.StatusBadGateway,
	events.CodeProviderModel:   http.StatusBadGateway,
	events.CodeProviderRate:    http.StatusBadGateway,
	events.CodeProviderNetwork: http.StatusBadGateway,
	events.CodeUnavailable:     http.StatusServiceUnavailable,
	events.CodeUnknown:         http.StatusServiceUnavailable,
	events.CodeInternal:        http.StatusInternalServerError,
}

// codeOf names the statuses that huma itself answers with.
var codeOf = map[int]events.Code{
	http.StatusBadRequest:            events.CodeInvalid,
	http.StatusUnprocessableEntity:   events.CodeInvalid,
	http.StatusRequestEntityTooLarge: events.CodeTooLarge,
	http.StatusUnsupportedMediaType:  events.CodeUnsupportedType,
	http.StatusForbidden:             events.CodeForbidden,
	http.StatusNotFound:              events.CodeNotFound,
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "timeout",
}

// problemOf translates an error. The message of an unexpected one stays in
// the log.
func problemOf(err error) *Problem {
	var known *Problem
	if errors.As(err, &known) {
		return known
	}
	code, detail := events.CodeOf(err), "something went wrong on our side; it is in the server's log"
	var e *events.Error
	if errors.As(err, &e) && code != events.CodeInternal {
		detail = e.Message
	}
	status, listed := statusOf[code]
	if !listed {
		status = http.StatusInternalServerError
	}
	if code == events.CodeErased {
		code, detail = events.CodeNotFound, "there is no such session"
	}
	p := newProblem(status, string(code), detail)
	var limit *later
	if errors.As(err, &limit) {
		p.headers = retryAfter(limit.wait)
	}
	return p
}

func newProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

// problemsOnce installs our document as huma's: huma keeps its error
// constructor in a package variable, so it is set once for the process.
var problemsOnce sync.Once

func installProblems() {
	problemsOnce.Do(func() {
		huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
			code, named := codeOf[status]
			if !named {
				code = events.CodeInternal
			}
			p := newProblem(status, string(code), message)
			for _, err := range errs {
				p.Errors = append(p.Errors, detailOf(err))
			}
			return p
		}
	})
}

// detailOf says where input was wrong, but never repeats the value: it may be
// a password or somebody's words. The name of a property that nobody asked for is
// such a value too; then it says only of which part of the request it was.
func detailOf(err error) *huma.ErrorDetail {
	var detail *huma.ErrorDetail
	if errors.As(err, &detail) {
		at := detail.Location
		if detail.Message == validation.MsgUnexpectedProperty {
			at, _, _ = strings.Cut(at, ".")
		}
		return &huma.ErrorDetail{Message: detail.Message, Location: at}
	}
	return &huma.ErrorDetail{Message: err.Error()}
}

// handled wraps an operation: its error becomes a problem, and is logged once.
func handled[I, O any](s *Server, name string, operate func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		out, err := operate(ctx, in)
		if err == nil {
			return out, nil
		}
		return nil, s.refuse(ctx, name, err)
	}
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.headers)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}
