package projections_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"parley/events"
	"parley/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a log and a store that do what a test says, call by call.
type script struct {
	identity []events.Identity
	claims   []projections.Checkpoint
	follow   func(ctx context.Context, after events.Position, deliver func([]events.Event) error) error
	commit   func(events.Position) error

	claimed int
	got     []events.Position
}

func (s *script) Identity(context.Context) (events.Identity, error) {
	return s.identity[min(s.claimed, len(s.identity))-1], nil
}

func (s *script) Claim(_ context.Context, stream string) (projections.Checkpoint, error) {
	s.claimed++
	c := s.claims[min(s.claimed, len(s.claims))-1]
	c.Stream = stream
	return c, nil
}

func (s *script) Follow(ctx context.Context, after events.Position, _ int, deliver func([]events.Event) error) error {
	return s.follow(ctx, after, deliver)
}

func (s *script) Commit(_ context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	for _, e := range batch {
		if err := s.commit(e.Position); err != nil {
			return from, err
		}
		s.got = append(s.got, e.Position)
		from = from.At(log, e)
	}
	return from, nil
}

func taken(events.Position) error { return nil }

func eventsAt(positions ...events.Position) (evs []events.Event) {
	for _, p := range positions {
		evs = append(evs, events.Event{Position: p})
	}
	return evs
}

func newProjector(s *script) *projections.Projector {
	return projections.NewProjector(s, s, "PARLEY", slog.New(slog.DiscardHandler))
}

func passed(barrier <-chan struct{}) bool {
	select {
	case <-barrier:
		return true
	default:
		return false
	}
}

func TestProjectorRun(t *testing.T) {
	whole := []events.Identity{{Epoch: "E1", First: 1, Last: 4}}
	unavailable := events.Errorf(events.CodeUnavailable, "the server is away")

	t.Run("barriers, in their order", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &script{identity: whole, claims: make([]projections.Checkpoint, 1), commit: taken}
		p := newProjector(s)
		s.follow = func(ctx context.Context, after events.Position, deliver func([]events.Event) error) error {
			if !passed(p.Started()) || passed(p.CaughtUp()) {
				t.Error("it starts, and has not caught up yet")
			}
			if err := deliver(eventsAt(1, 2, 3)); err != nil || passed(p.CaughtUp()) || p.Position() != 3 {
				t.Errorf("at %d, %v", p.Position(), err)
			}
			if err := deliver(eventsAt(2, 3, 4)); err != nil || !passed(p.CaughtUp()) {
				t.Errorf("at %d, %v; caught up %v", p.Position(), err, passed(p.CaughtUp()))
			}
			cancel()
			return ctx.Err()
		}
		if err := p.Run(ctx); err != nil {
			t.Errorf("it ended with %v", err)
		}
		if len(s.got) != 4 {
			t.Errorf("committed %v, want each once", s.got)
		}
	})
	t.Run("an empty log is caught up at once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &script{identity: []events.Identity{{Epoch: "E1", First: 1}}, claims: make([]projections.Checkpoint, 1), commit: taken}
		p := newProjector(s)
		s.follow = func(ctx context.Context, _ events.Position, _ func([]events.Event) error) error {
			<-ctx.Done()
			return ctx.Err()
		}
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		<-p.CaughtUp()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("the wrong log: nothing is projected", func(t *testing.T) {
		s := &script{identity: whole, claims: []projections.Checkpoint{{Epoch: "E0", Position: 2}}, commit: taken}
		s.follow = func(context.Context, events.Position, func([]events.Event) error) error {
			t.Error("it reads the log")
			return nil
		}
		p := newProjector(s)
		var mismatch *projections.Mismatch
		if err := p.Run(t.Context()); !errors.As(err, &mismatch) || passed(p.Started()) {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("what is away is tried again, from the new claim", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &script{identity: whole, claims: []projections.Checkpoint{{}, {Epoch: "E1", Position: 2}}}
		failed := false
		s.commit = func(at events.Position) error {
			if at == 2 && !failed {
				failed = true
				return unavailable
			}
			return nil
		}
		s.follow = func(ctx context.Context, after events.Position, deliver func([]events.Event) error) error {
			if s.claimed == 1 {
				return deliver(eventsAt(1, 2, 3))
			}
			if after != 2 {
				t.Errorf("it went on after %d", after)
			}
			err := deliver(eventsAt(3, 4))
			cancel()
			return err
		}
		if err := newProjector(s).Run(ctx); err != nil || s.claimed != 2 {
			t.Errorf("%d claims, %v", s.claimed, err)
		}
	})
	t.Run("fenced off, it ends", func(t *testing.T) {
		fenced := events.Wrap(projections.ErrFenced, events.CodeConflict, "another one goes on")
		s := &script{identity: whole, claims: make([]projections.Checkpoint, 1), commit: func(events.Position) error { return fenced }}
		s.follow = func(_ context.Context, _ events.Position, deliver func([]events.Event) error) error {
			return deliver(eventsAt(1))
		}
		if err := newProjector(s).Run(t.Context()); !projections.IsFenced(err) {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("on a recreated log after an outage, it ends", func(t *testing.T) {
		s := &script{
			identity: []events.Identity{whole[0], {Epoch: "E2", First: 1, Last: 9}},
			claims:   []projections.Checkpoint{{}, {Epoch: "E1", Position: 2}}, commit: taken,
		}
		s.follow = func(_ context.Context, _ events.Position, deliver func([]events.Event) error) error {
			return errors.Join(deliver(eventsAt(1, 2)), unavailable)
		}
		var mismatch *projections.Mismatch
		if err := newProjector(s).Run(t.Context()); !errors.As(err, &mismatch) || mismatch.Finding != projections.Recreated {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestMarkWait(t *testing.T) {
	t.Run("behind and at the mark", func(t *testing.T) {
		m := projections.NewMark()
		m.Reach(5)
		for _, at := range []events.Position{0, 4, 5} {
			if err := m.Wait(t.Context(), at); err != nil {
				t.Errorf("%d: %v", at, err)
			}
		}
	})
	t.Run("before it, until it comes", func(t *testing.T) {
		m := projections.NewMark()
		waited := make(chan error, 1)
		go func() { waited <- m.Wait(t.Context(), 6) }()
		m.Reach(5)
		m.Reach(3)
		if at := m.At(); at != 5 {
			t.Errorf("the mark went to %d", at)
		}
		m.Reach(6)
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
	t.Run("the context ends first", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := projections.NewMark().Wait(ctx, 1); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
}
