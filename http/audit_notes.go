package http

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"parley/events"
)

// What requests leave on audit trails. None of these waits, but for [Server.kept].

// noteSignIn says that somebody proved to be the account's.
func (s *Server) noteSignIn(ctx context.Context, account events.AccountID, method string) {
	s.doors.Audit.Note(events.Actor(account), account, &events.SignedIn{Method: method, Address: prefixOf(ctx)})
}

// noteFailure says that somebody did not; account is empty for nobody known.
func (s *Server) noteFailure(ctx context.Context, account events.AccountID, method string) {
	s.doors.Audit.Failed(account, method, prefixOf(ctx))
}

// noteExport says that the caller took her own content away in a file.
func (s *Server) noteExport(ctx context.Context, what string, session events.SessionID) {
	who := caller(ctx)
	s.doors.Audit.Note(events.Actor(who), who, &events.Exported{What: what, Session: session, Address: prefixOf(ctx)})
}

// noteDeletion says that the caller asked to erase something of her own.
func (s *Server) noteDeletion(ctx context.Context, of events.Aggregate) {
	who := caller(ctx)
	s.doors.Audit.Note(events.Actor(who), who, &events.DeletionRequested{Object: of.String(), Address: prefixOf(ctx)})
}

// noteRefusal says that the caller claimed a call that is not this session's.
func (s *Server) noteRefusal(ctx context.Context, session events.SessionID, call int) {
	who := caller(ctx)
	s.doors.Audit.Note(events.Actor(who), who, &events.CallRefused{Session: session, Call: call, Why: events.RefusedClaimed, Address: prefixOf(ctx)})
}

// kept records what the caller does with what is not hers, before she does it.
// About is whose it is. Errors: CodeInvalid for a reason that is none, those of
// the log; then it must not be done.
func (s *Server) kept(ctx context.Context, about events.AccountID, reason string, what events.Body) (events.Position, error) {
	if err := events.CheckReason(reason); err != nil {
		return 0, err
	}
	return s.doors.Audit.Keep(ctx, events.Actor(caller(ctx)), about, what)
}

func prefixOf(ctx context.Context) string { return events.AddressPrefix(address(ctx)) }

// measureAudit shows in the metrics how many notes were given up.
func (s *Server) measureAudit() {
	if s.doors.Audit == nil {
		return // the contract is printed without any door
	}
	s.metrics.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "parley_audit_missed_total", Help: "Audit notes that could not be stored.",
	}, func() float64 { return float64(s.doors.Audit.Missed()) }))
}
