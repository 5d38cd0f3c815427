package projections_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

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

	hold func() error
	look func(n int) projections.Checkpoint

	claimed int
	looked  int
	got     []events.Position
}

func (s *script) Hold(context.Context, projections.Checkpoint) error {
	if s.hold == nil {
		return nil
	}
	return s.hold()
}

func (s *script) Look(context.Context, string) (projections.Checkpoint, error) {
	s.looked++
	return s.look(s.looked), nil
}

func (s *script) Load(_ context.Context, _ events.Aggregate, after events.Position) ([]events.Event, error) {
	return eventsAt(after + 1), nil
}

// At finds at a claimed checkpoint what it remembers.
func (s *script) At(context.Context, events.Position) (events.EventID, bool, error) {
	return "", true, nil
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
			if err := errors.Join(deliver(eventsAt(1, 2, 3)), p.Wait(ctx, 3)); err != nil || passed(p.CaughtUp()) || p.Position() != 3 {
				t.Errorf("at %d, %v", p.Position(), err)
			}
			if err := errors.Join(deliver(eventsAt(2, 3, 4)), p.Wait(ctx, 4)); err != nil {
				t.Errorf("at %d, %v", p.Position(), err)
			}
			<-p.CaughtUp()
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
	t.Run("the wrong log: nothing is projected, until it is the right one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &script{identity: whole, claims: []projections.Checkpoint{{Epoch: "E0", Position: 2}, {}}, commit: taken}
			p := newProjector(s)
			s.follow = func(_ context.Context, _ events.Position, deliver func([]events.Event) error) error {
				if s.claimed != 2 {
					t.Errorf("it reads the log after claim %d", s.claimed)
				}
				err := deliver(eventsAt(1))
				cancel()
				return err
			}
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			synctest.Wait() // it pauses
			if found := mismatchOf(p.Trouble()); found != projections.Recreated || passed(p.Started()) {
				t.Errorf("trouble is %v", p.Trouble())
			}
			if err := <-ended; err != nil || !passed(p.Started()) {
				t.Errorf("it ended with %v", err)
			}
		})
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
	t.Run("fenced off, it stands by until nobody holds the claim", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &script{identity: whole, claims: make([]projections.Checkpoint, 1)}
			s.commit = func(events.Position) error {
				if s.claimed == 1 {
					return fenced
				}
				cancel()
				return nil
			}
			s.follow = func(_ context.Context, _ events.Position, deliver func([]events.Event) error) error {
				return deliver(eventsAt(1))
			}
			s.look = func(n int) projections.Checkpoint { // held during five looks
				return projections.Checkpoint{Seen: time.Unix(int64(min(n, 5)), 0)}
			}
			p := newProjector(s)
			if err := p.Run(ctx); err != nil || s.claimed != 2 || s.looked < 8 {
				t.Errorf("%d claims, %d looks, %v", s.claimed, s.looked, err)
			}
			if p.Trouble() != nil {
				t.Errorf("trouble is %v", p.Trouble())
			}
		})
	})
	t.Run("a claim that is lost while the log is quiet is noticed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &script{identity: whole, claims: make([]projections.Checkpoint, 1), commit: taken}
			s.hold = func() error {
				return events.Wrap(projections.ErrSwitched, events.CodeUnavailable, "another version is live")
			}
			s.follow = func(ctx context.Context, _ events.Position, _ func([]events.Event) error) error {
				if s.claimed == 2 {
					cancel()
				}
				<-ctx.Done()
				return ctx.Err()
			}
			if err := newProjector(s).Run(ctx); err != nil || s.claimed != 2 {
				t.Errorf("%d claims, %v", s.claimed, err)
			}
		})
	})
	t.Run("what cannot be written is its trouble until it can", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &script{identity: whole, claims: make([]projections.Checkpoint, 1)}
			p := newProjector(s)
			s.commit = func(events.Position) error {
				if s.claimed < 3 {
					return events.Errorf(events.CodeInternal, "PostgreSQL's own files are damaged")
				}
				cancel()
				return nil
			}
			s.follow = func(_ context.Context, _ events.Position, deliver func([]events.Event) error) error {
				return deliver(eventsAt(1))
			}
			s.hold = func() error { t.Error("nobody stands still so long"); return nil }
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			synctest.Wait() // until its first pause
			if err := p.Trouble(); events.CodeOf(err) != events.CodeInternal {
				t.Errorf("its trouble is %v", err)
			}
			if err := <-ended; err != nil || s.claimed != 3 || p.Trouble() != nil {
				t.Errorf("%d claims, trouble %v, ended with %v", s.claimed, p.Trouble(), err)
			}
		})
	})
}

var fenced = events.Wrap(projections.ErrFenced, events.CodeConflict, "another one goes on")

func mismatchOf(err error) projections.Finding {
	var mismatch *projections.Mismatch
	if !errors.As(err, &mismatch) {
		return ""
	}
	return mismatch.Finding
}

func TestFill(t *testing.T) {
	whole := []events.Identity{{Epoch: "E1", First: 1, Last: 9}}
	for name, c := range map[string]struct {
		batches [][]events.Event
		upTo    events.Position
		want    events.Position
	}{
		"up to a position, within a batch": {[][]events.Event{eventsAt(1, 2), eventsAt(3, 4, 5)}, 4, 4},
		"up to one that was erased":        {[][]events.Event{eventsAt(1, 2), eventsAt(3, 5, 6)}, 4, 3},
		"up to the end of a batch":         {[][]events.Event{eventsAt(1, 2), eventsAt(3)}, 2, 2},
		"nowhere":                          {nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{identity: whole, claims: make([]projections.Checkpoint, 1), commit: taken}
			s.follow = func(_ context.Context, _ events.Position, deliver func([]events.Event) error) error {
				for _, batch := range c.batches {
					if err := deliver(batch); err != nil {
						return err
					}
				}
				return errors.New("read on")
			}
			at, err := projections.Fill(t.Context(), s, s, "PARLEY", c.upTo)
			if err != nil || at.Position != c.want {
				t.Errorf("got %d, %v; want %d", at.Position, err, c.want)
			}
		})
	}
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
