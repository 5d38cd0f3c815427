package events_test

import (
	"context"
	"testing"

	"parley/events"
	"parley/events/eventstest"
)

// reading counts how often a log is read.
type reading struct {
	events.LoadAppender
	loads int
}

func (r *reading) Load(ctx context.Context, of events.Aggregate, after events.Position) ([]events.Event, error) {
	r.loads++
	return r.LoadAppender.Load(ctx, of, after)
}

func TestContinue(t *testing.T) {
	bundle := eventstest.NewBundle(t)
	log := &reading{LoadAppender: bundle.Log}
	id := events.SessionID("01KKNQ5E48000000000SESS1AA")
	bundle.Append(t, id.Aggregate(), &events.SessionStarted{Learner: "01KKNQ5E480000000000ACC0AA", Topic: "01KKNQ5E48000000000T0P1CAA"}, &events.TokenIssued{Call: 1})
	session := events.NewSession(id)
	at := events.Position(0)
	hand := func(n int64) (receipt events.Receipt, err error) {
		report := events.Report{N: n, Call: 1, Bodies: []events.Body{&events.CallDropped{Call: 1, Cause: "network"}}}
		at, err = events.Continue(t.Context(), log, id.Aggregate(), session, at, bundle.Stamp("learner"), func(s *events.Session) (drafts []events.Event, _ error) {
			drafts, receipt = s.Receive([]events.Report{report})
			return drafts, nil
		})
		return receipt, err
	}
	stored := func(want int) {
		t.Helper()
		whole := bundle.Load(t, id.Aggregate())
		if len(whole) != want || whole[want-1].Position != at {
			t.Fatalf("%d events, the last at %d; want %d, at %d", len(whole), whole[len(whole)-1].Position, want, at)
		}
	}

	t.Run("a new state is read once", func(t *testing.T) {
		if receipt, err := hand(1); err != nil || receipt.Accepted != 1 || log.loads != 1 {
			t.Fatalf("%+v, %v, %d loads", receipt, err, log.loads)
		}
		stored(3)
	})
	t.Run("from then on nothing is read to write", func(t *testing.T) {
		if receipt, err := hand(2); err != nil || receipt.Through != 2 || log.loads != 1 {
			t.Fatalf("%+v, %v, %d loads", receipt, err, log.loads)
		}
		stored(4)
	})
	t.Run("what another wrote meanwhile is read, and decided upon", func(t *testing.T) {
		bundle.Append(t, id.Aggregate(), &events.CallDescribed{Call: 1})
		if receipt, err := hand(3); err != nil || receipt.Through != 3 || log.loads != 2 {
			t.Fatalf("%+v, %v, %d loads", receipt, err, log.loads)
		}
		stored(6)
	})
	t.Run("that there is nothing to write counts only once all is read", func(t *testing.T) {
		if receipt, err := hand(3); err != nil || receipt.Duplicates != 1 || log.loads != 3 {
			t.Fatalf("%+v, %v, %d loads", receipt, err, log.loads)
		}
		stored(6)
	})
	t.Run("a refusal, too", func(t *testing.T) {
		bundle.Append(t, id.Aggregate(), &events.TokenIssued{Call: 2})
		_, err := events.Continue(t.Context(), log, id.Aggregate(), session, at, bundle.Stamp("learner"), func(s *events.Session) ([]events.Event, error) {
			if s.Calls[2] == nil {
				return nil, events.Errorf(events.CodeUnknownCall, "no call 2")
			}
			return events.Draft(&events.CallConnected{Call: 2}), nil
		})
		if err != nil || !session.Calls[2].Connected {
			t.Fatalf("%v, call 2 is %+v", err, session.Calls[2])
		}
	})
	t.Run("the state is what the log folds to", func(t *testing.T) {
		whole := events.NewSession(id)
		for _, e := range bundle.Load(t, id.Aggregate()) {
			whole.Evolve(e)
		}
		if len(whole.Positions) != len(session.Positions) || whole.Received.String() != session.Received.String() {
			t.Fatalf("held %v %s, log %v %s", session.Positions, session.Received, whole.Positions, whole.Received)
		}
	})
}
