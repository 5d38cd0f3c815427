package http

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
	"parley/http/realtime"
)

// Limits of one batch of reports (design section 8).
const (
	MaxReports     = 500
	MaxReportBatch = 1 << 20  // bytes
	MaxReport      = 64 << 10 // bytes of one provider event
	maxOutbox      = int64(1) << 39
)

// ReportIn is one entry of the browser's outbox.
type ReportIn struct {
	N     int64    `json:"n" minimum:"1" doc:"Running number in the session; the key of idempotency"`
	Call  int      `json:"call" minimum:"0" doc:"The call's number; 0 for what belongs to none"`
	AtMS  int64    `json:"at_ms" minimum:"0" doc:"From the session's start"`
	RecMS *int64   `json:"rec_ms" doc:"From the recorder's start; null when nothing is recorded"`
	Event anyEvent `json:"event" doc:"A provider event as received, or one of the page's own"`
}

// anyEvent is an object of the provider's making, or for it.
type anyEvent json.RawMessage

// MarshalJSON gives it as it is.
func (a anyEvent) MarshalJSON() ([]byte, error) { return a, nil }

// UnmarshalJSON keeps the raw event.
func (a *anyEvent) UnmarshalJSON(data []byte) error {
	*a = append((*a)[:0], data...)
	return nil
}

// Schema lets any object be.
func (anyEvent) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// looseReport takes whatever stands in the list: garbage among good reports
// must not cost the good ones.
type looseReport json.RawMessage

// UnmarshalJSON keeps the raw entry.
func (l *looseReport) UnmarshalJSON(data []byte) error {
	*l = append((*l)[:0], data...)
	return nil
}

// Schema documents what a good entry looks like.
func (looseReport) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[ReportIn](), true, "Report")
}

type reportsInput struct {
	ID   string `path:"id"`
	Body struct {
		Events []looseReport `json:"events" nullable:"false"`
	}
}

type reportsOutput struct {
	Body struct {
		Accepted        int                `json:"accepted"`
		Duplicates      int                `json:"duplicates"`
		Rejected        []events.Rejection `json:"rejected" nullable:"false"`
		ReceivedThrough int64              `json:"received_through" doc:"All of 1 to this number are in"`
		Position        events.Position    `json:"position"`
	}
}

// receive takes a batch of reports. Each good one is kept, each bad one named.
func (s *Server) receive(ctx context.Context, in *reportsInput) (*reportsOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	if len(in.Body.Events) > MaxReports {
		return nil, events.Errorf(events.CodeTooLarge, "a batch holds at most %d events; send the rest in another", MaxReports)
	}
	if err := s.mayReport(ctx, in.Body.Events); err != nil {
		return nil, err
	}
	key, err := s.doors.Keys.Keyed(ctx, "call")
	if err != nil {
		return nil, err
	}
	names := callNames{key, map[string]string{}}
	reports, nameless := s.decode(in.Body.Events, names.hash)
	if err := s.claimAll(ctx, id, names, reports); err != nil {
		return nil, err
	}
	out := &reportsOutput{}
	out.Body.Rejected = append([]events.Rejection{}, nameless...)
	for chunk := range appendable(reports) {
		var receipt events.Receipt
		at, err := s.reportOn(ctx, id, func(sn *events.Session) (drafts []events.Event, _ error) {
			drafts, receipt = sn.Receive(chunk)
			return drafts, nil
		})
		if err != nil {
			return nil, err
		}
		out.Body.Accepted += receipt.Accepted
		out.Body.Duplicates += receipt.Duplicates
		out.Body.Rejected = append(out.Body.Rejected, receipt.Rejected...)
		out.Body.ReceivedThrough, out.Body.Position = receipt.Through, at
	}
	return out, nil
}

// appendable cuts a batch so that what it makes fits into one append; a
// batch is idempotent by number, so its parts need not land together.
func appendable(reports []events.Report) iter.Seq[[]events.Report] {
	return func(yield func([]events.Report) bool) {
		from, made := 0, 0
		for i, r := range reports {
			if made+len(r.Bodies) > events.MaxAppend {
				if !yield(reports[from:i]) {
					return
				}
				from, made = i, 0
			}
			made += len(r.Bodies)
		}
		yield(reports[from:])
	}
}

// decode reads each entry on its own. One without a usable number cannot be
// settled and is named as number 0.
func (s *Server) decode(entries []looseReport, hash func(string) string) (reports []events.Report, nameless []events.Rejection) {
	for _, raw := range entries {
		report, ok := decodeReport(raw, hash)
		if !ok {
			nameless = append(nameless, events.Rejection{Code: events.CodeInvalid})
			continue
		}
		if report.Skipped != "" {
			s.doors.Tally.Add(realtime.Event{Type: report.Skipped, Body: realtime.Unknown{}})
		}
		if report.Rejected != "" {
			s.metrics.rejected(report.Rejected)
		}
		reports = append(reports, report)
	}
	return reports, nameless
}

func decodeReport(raw []byte, hash func(string) string) (_ events.Report, ok bool) {
	var in ReportIn
	if err := json.Unmarshal(raw, &in); err != nil {
		var numbered struct {
			N int64 `json:"n"`
		}
		if json.Unmarshal(raw, &numbered) != nil || numbered.N < 1 || numbered.N > maxOutbox {
			return events.Report{}, false
		}
		return events.Report{N: numbered.N, Rejected: events.CodeInvalid}, true
	}
	if in.N < 1 || in.N > maxOutbox {
		return events.Report{}, false
	}
	report := events.Report{N: in.N, Call: in.Call}
	switch {
	case len(in.Event) > MaxReport:
		report.Rejected = events.CodeTooLarge
	case in.Call < 0 || in.AtMS < 0 || in.RecMS != nil && *in.RecMS < 0:
		report.Rejected = events.CodeInvalid
	default:
		fill(&report, heard{in.Call, in.AtMS, in.RecMS}, in.Event, hash)
	}
	return report, true
}

// fill decodes the event itself.
func fill(report *events.Report, h heard, raw []byte, hash func(string) string) {
	if name := typeOf(raw); strings.HasPrefix(name, pageEventPrefix) {
		kept, known, err := pageBodies(h, name, raw, hash)
		switch {
		case err != nil:
			report.Rejected = events.CodeInvalid
		case !known:
			report.Skipped = clipType(name)
		default:
			report.Bodies = kept
		}
		return
	}
	said, err := realtime.Decode(raw)
	if err != nil {
		report.Rejected = events.CodeInvalid
		return
	}
	if _, unknown := said.Body.(realtime.Unknown); unknown {
		report.Skipped = clipType(said.Type)
		return
	}
	if h.call == 0 {
		report.Rejected = events.CodeUnknownCall
		return
	}
	if report.Bodies = bodiesOf(h, said.Body); len(report.Bodies) > events.MaxAppend {
		report.Bodies, report.Rejected = nil, events.CodeTooLarge
	}
}

func typeOf(raw []byte) string {
	var e struct {
		Type string `json:"type"`
	}
	if json.NewDecoder(bytes.NewReader(raw)).Decode(&e) != nil {
		return ""
	}
	return e.Type
}

// clipType bounds what a foreign name may cost in the log and in metrics.
func clipType(name string) string {
	const most = 80
	if len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "unprintable"
	}
	return name
}

// noSession hides whether an id is malformed, unknown or another's.
func noSession(err error) error {
	return events.Wrap(err, events.CodeNotFound, "there is no such session")
}

func reportsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "report", Method: http.MethodPost, Path: "/api/sessions/{id}/events",
		MaxBodyBytes: MaxReportBatch, SkipValidateBody: true, Summary: "Hand in entries of the browser's outbox",
	}
}
