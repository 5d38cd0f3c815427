package recording

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/events"
)

const orphanAge = 24 * time.Hour

// attic is shelves that know since when everything lies there.
type attic struct {
	*shelves
	since map[string]time.Time
}

func (a attic) Each(_ context.Context, visit func(Lying) error) error {
	for _, key := range a.all() {
		name, unfinished, _ := strings.Cut(key, "?")
		if err := visit(Lying{Key: name, Unfinished: unfinished, Since: a.since[key]}); err != nil {
			return err
		}
	}
	return nil
}

func (a attic) Discard(ctx context.Context, l Lying) error {
	if l.Unfinished != "" {
		l.Key += "?" + l.Unfinished
	}
	return a.Remove(ctx, l.Key)
}

func (a attic) all() (keys []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.kept {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// lay puts something there, so long ago.
func (a attic) lay(key string, at time.Time) {
	a.keep(Object{Key: key}, nil)
	a.since[key] = at
}

func (s *studio) attic() attic { return attic{s.shelves, map[string]time.Time{}} }

func (s *studio) sweeper(a Shelf) *Sweeper {
	return NewSweeper(s.Log, a, orphanAge, s.Clock.Now, slog.New(slog.DiscardHandler))
}

func TestSweeper(t *testing.T) {
	s := setup(t)
	a, now := s.attic(), s.Clock.Now()
	old := now.Add(-orphanAge)
	live, erased, strange := events.SessionID(s.IDs.ULID()), events.SessionID(s.IDs.ULID()), events.SessionID(s.IDs.ULID())
	one, two, three := events.UploadID(s.IDs.ULID()), events.UploadID(s.IDs.ULID()), events.UploadID(s.IDs.ULID())
	started := &events.SessionStarted{Learner: learner}
	s.Append(t, live.Aggregate(), started,
		&events.UploadCompleted{Upload: one, Object: IncomingKey(live, one)}, &events.AudioRejected{Upload: one, Reason: string(ReasonCodec)},
		&events.UploadCompleted{Upload: two, Object: IncomingKey(live, two)}, &events.AudioFinalized{Upload: two, Object: AudioKey(live, two, "audio/webm")},
		&events.AudioMeasured{Upload: two, Object: "audio/" + string(live) + "/levels"})
	s.Append(t, erased.Aggregate(), started, &events.AudioFinalized{Upload: one, Object: AudioKey(erased, one, "audio/webm")}, &events.SessionDeleteRequested{By: learner})

	kept := []string{
		IncomingKey(live, one), AudioKey(live, two, "audio/webm"), "audio/" + string(live) + "/levels", // an event points at it
		IncomingKey(strange, one), "backups/log.tar", "incoming/no-id/1", // nobody knows whose
	}
	removed := []string{
		IncomingKey(live, two), IncomingKey(live, three), IncomingKey(live, one) + "?begun", IncomingKey(live, three) + "?begun",
		AudioKey(live, one, "audio/webm"), AudioKey(erased, one, "audio/webm"),
	}
	for _, key := range slices.Concat(kept, removed) {
		a.lay(key, old)
	}
	young := AudioKey(live, three, "audio/webm")
	a.lay(young, old.Add(1))

	sweeper := NewSweeper(s.Log, a, orphanAge, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	got, err := sweeper.Sweep(t.Context())
	if err != nil || len(got) != len(removed) {
		t.Errorf("removed %v, %v", got, err)
	}
	want := append(kept, young)
	slices.Sort(want)
	if left := a.all(); !slices.Equal(left, want) {
		t.Errorf("left are\n%s\nwant\n%s", strings.Join(left, "\n"), strings.Join(want, "\n"))
	}
}

// Sessions live their lives by chance, in the middle of sweeps that take everything to
// be old. What an event of a living session points at is there at every moment.
func TestSweeperNeverTakesWhatIsPointedAt(t *testing.T) {
	s := setup(t)
	random := rand.New(rand.NewPCG(24, 5))
	for range 10 {
		a := s.attic()
		var lives []*life
		for range 4 {
			lives = append(lives, &life{studio: s, attic: a, id: events.SessionID(s.IDs.ULID()), random: random})
		}
		stir := stirred{a, func() {
			for range random.IntN(4) {
				lives[random.IntN(len(lives))].step(t)
			}
			for _, l := range lives {
				l.wantPointedAt(t)
			}
		}}
		for range 12 {
			stir.now()
			if _, err := s.sweeper(stir).Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			stir.now()
		}
	}
}

// stirred lets something happen while it is looked at.
type stirred struct {
	attic
	now func()
}

func (s stirred) Each(ctx context.Context, visit func(Lying) error) error {
	return s.attic.Each(ctx, func(l Lying) error {
		err := visit(l)
		s.now()
		return err
	})
}

// life is one session that does what a learner and the workers may do.
type life struct {
	*studio
	attic
	id      events.SessionID
	random  *rand.Rand
	begun   bool
	gone    bool
	upload  events.UploadID // lies in the store, and is not completed
	waiting events.UploadID // completed
	points  []string        // at what its events point
}

func (l *life) wantPointedAt(t *testing.T) {
	t.Helper()
	there := l.all()
	for _, key := range l.points {
		if !slices.Contains(there, key) {
			t.Fatalf("an event points at %s, which was removed", key)
		}
	}
}

func (l *life) say(t *testing.T, body events.Body) { l.studio.Append(t, l.id.Aggregate(), body) }

func (l *life) step(t *testing.T) {
	old := l.Clock.Now().Add(-orphanAge)
	incoming := IncomingKey(l.id, l.waiting)
	switch chance := l.random.IntN(5); {
	case l.gone:
	case !l.begun:
		l.begun = true
		l.say(t, &events.SessionStarted{Learner: learner})
	case chance == 0 && l.waiting == "": // a browser sends a file, and asks to go on
		l.upload = events.UploadID(l.IDs.ULID())
		l.lay(IncomingKey(l.id, l.upload), old)
		l.lay(IncomingKey(l.id, l.upload)+"?parts", old)
	case chance == 1 && l.upload != "" && slices.Contains(l.all(), IncomingKey(l.id, l.upload)):
		l.waiting, l.upload = l.upload, ""
		l.say(t, &events.UploadCompleted{Upload: l.waiting, Object: IncomingKey(l.id, l.waiting)})
		l.points = append(l.points, IncomingKey(l.id, l.waiting))
	case chance == 2 && l.waiting != "": // the finalizer refuses it
		l.say(t, &events.AudioRejected{Upload: l.waiting, Reason: string(ReasonCodec)})
		l.waiting = ""
	case chance == 3 && l.waiting != "" && len(l.points) < 4: // or places it; it may be slow about it
		audio := AudioKey(l.id, l.waiting, "audio/webm")
		l.lay(audio, l.Clock.Now())
		l.say(t, &events.AudioFinalized{Upload: l.waiting, Object: audio})
		l.points = append(slices.DeleteFunc(l.points, func(key string) bool { return key == incoming }), audio)
		l.waiting = ""
		l.since[audio] = old
	case chance == 4 && l.random.IntN(6) == 0:
		l.say(t, &events.SessionDeleteRequested{By: learner})
		l.points, l.gone = nil, true
	}
}
