package http

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"parley/events"
)

// violationsPath is where browsers tell what the policy kept a page from. It is
// no operation of the API: its two forms are those of Content Security Policy
// Level 3, sections 5.3 and 5.5.
const violationsPath = "/violations"

// Limits of these tellings, which anyone can send.
const (
	maxViolations  = 16 << 10 // bytes of one request
	mostViolations = 10       // of one request that are counted and logged
)

var violationRate = Rate{Most: 30, Per: time.Minute} // requests of one network

// directives of our policy; the metric has no other values.
var directives = []string{
	"default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr",
	"img-src", "media-src", "connect-src", "worker-src", "manifest-src", "font-src", "frame-src", "object-src",
	"frame-ancestors", "base-uri", "form-action",
}

// violation is what is kept of one: no query and no sample of a script.
type violation struct {
	directive string
	blocked   string
	page      string
}

// violationRoutes stand outside of the cross-origin guard: a telling changes
// nothing, and browsers send it in ways of their own.
func (s *Server) violationRoutes(r chi.Router) {
	told := NewAllowance[netip.Prefix](violationRate, s.doors.Now)
	r.Post(violationsPath, func(w http.ResponseWriter, r *http.Request) {
		var found []violation
		var err error
		if wait := told.Take(network(address(r.Context())), 1); wait > 0 {
			err = limited(events.CodeLimited, wait, "too many violations were told")
		} else {
			found, err = readViolations(w, r)
		}
		if err != nil {
			writeProblem(w, s.refuse(r.Context(), "violations", err))
			return
		}
		if more := len(found) - mostViolations; more > 0 {
			found = found[:mostViolations]
			s.logger.WarnContext(r.Context(), "more violations were told at once than are kept", "left_out", more)
		}
		for _, v := range found {
			s.metrics.violations.WithLabelValues(v.directive).Inc()
			s.logger.WarnContext(r.Context(), "the content policy kept a page from something", "directive", v.directive, "blocked", v.blocked, "page", v.page)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// readViolations reads either form. Errors: CodeUnsupportedType, CodeTooLarge,
// CodeInvalid.
func readViolations(w http.ResponseWriter, r *http.Request) ([]violation, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/csp-report" && media != "application/reports+json" {
		return nil, events.Errorf(events.CodeUnsupportedType, "a violation is application/csp-report or application/reports+json")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxViolations))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, events.Wrap(err, events.CodeTooLarge, "a telling of violations is too long")
	}
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the violations could not be read")
	}
	if media == "application/csp-report" {
		return oldViolation(raw)
	}
	return newViolations(raw)
}

func oldViolation(raw []byte) ([]violation, error) {
	var told struct {
		Report struct {
			Effective string `json:"effective-directive"`
			Violated  string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
			Page      string `json:"document-uri"`
		} `json:"csp-report"`
	}
	if err := json.Unmarshal(raw, &told); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the violation does not decode")
	}
	directive := told.Report.Effective
	if directive == "" {
		directive = told.Report.Violated
	}
	return []violation{violationOf(directive, told.Report.Blocked, told.Report.Page)}, nil
}

func newViolations(raw []byte) ([]violation, error) {
	var told []struct {
		Type string `json:"type"`
		Body struct {
			Effective string `json:"effectiveDirective"`
			Blocked   string `json:"blockedURL"`
			Page      string `json:"documentURL"`
		} `json:"body"`
	}
	if err := json.Unmarshal(raw, &told); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the violations do not decode")
	}
	var all []violation
	for _, t := range told {
		if t.Type == "csp-violation" {
			all = append(all, violationOf(t.Body.Effective, t.Body.Blocked, t.Body.Page))
		}
	}
	return all, nil
}

func violationOf(directive, blocked, page string) violation {
	directive, _, _ = strings.Cut(directive, " ") // old browsers give its value too
	if !slices.Contains(directives, directive) {
		directive = "other"
	}
	return violation{directive, withoutQuery(blocked), withoutQuery(page)}
}

// withoutQuery keeps where an address leads, and nothing that could be a
// secret: queries sign, fragments hold one-time codes.
func withoutQuery(text string) string {
	const most = 200
	u, err := url.Parse(text)
	if err != nil || len(text) > 4*most {
		return "unreadable"
	}
	where := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	return where[:min(len(where), most)]
}
