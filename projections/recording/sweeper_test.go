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

// What a worker is about to tell of, and what a browser may still go on with, nothing
// points at; yet it stays, however old.
func TestSweeperSparesWhatIsAboutToBePointedAt(t *testing.T) {
	s := setup(t)
	a := s.attic()
	begun := s.Clock.Now()
	session := func(bodies ...events.Body) (id events.SessionID) {
		id = events.SessionID(s.IDs.ULID())
		s.Append(t, id.Aggregate(), append([]events.Body{&events.SessionStarted{Learner: learner}}, bodies...)...)
		return id
	}
	one, two := events.UploadID(s.IDs.ULID()), events.UploadID(s.IDs.ULID())
	waiting := session(&events.UploadRequested{Upload: one}, &events.UploadCompleted{Upload: one, Object: "incoming/x"})
	unmeasured := session(&events.UploadCompleted{Upload: one, Object: "incoming/x"}, &events.AudioFinalized{Upload: one, Object: "audio/x"})
	announced := session(&events.UploadRequested{Upload: two}, &events.UploadRequested{Upload: one})
	gone := session(&events.UploadRequested{Upload: one}, &events.SessionDeleteRequested{By: learner})

	always := []string{AudioKey(waiting, one, "audio/webm"), AudioKey(waiting, one, "audio/mp4"), LevelsKey(unmeasured, one)}
	aWeek := []string{IncomingKey(announced, one), IncomingKey(announced, one) + "?parts"}
	never := []string{
		AudioKey(waiting, two, "audio/webm"), LevelsKey(unmeasured, two), AudioKey(unmeasured, one, "audio/mp4"),
		IncomingKey(announced, two), IncomingKey(announced, two) + "?parts", IncomingKey(gone, one), IncomingKey(gone, one) + "?parts",
	}
	for _, key := range slices.Concat(always, aWeek, never) {
		a.lay(key, begun)
	}
	sweep := func(what string, after time.Duration, want []string) {
		t.Helper()
		sweeper := NewSweeper(s.Log, a, orphanAge, func() time.Time { return begun.Add(after) }, slog.New(slog.DiscardHandler))
		if _, err := sweeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if left := a.all(); !slices.Equal(left, want) {
			t.Errorf("%s: left are\n%s\nwant\n%s", what, strings.Join(left, "\n"), strings.Join(want, "\n"))
		}
	}
	sweep("young", orphanAge-1, slices.Concat(always, aWeek, never))
	sweep("after a day", orphanAge, slices.Concat(always, aWeek))
	sweep("as long as the upload lasts, and the age", events.UploadLasts+orphanAge, slices.Concat(always, aWeek))

	s.Clock.Advance(events.UploadLasts)
	s.Append(t, announced.Aggregate(), &events.UploadRequested{Upload: one})
	sweep("announced again", events.UploadLasts+2*orphanAge, slices.Concat(always, aWeek))
	sweep("lapsed", 2*events.UploadLasts+2*orphanAge, always)
}

// Sessions live their lives by chance, in the middle of sweeps that take everything to
// be old. What an event of a living session points at is there at every moment.
func TestSweeperNeverTakesWhatIsPointedAt(t *testing.T) {
	s := setup(t)
	random := rand.New(rand.NewPCG(24, 5))
	told := map[events.Kind]int{}
	for range 5 {
		a := s.attic()
		var lives []*life
		for range 4 {
			lives = append(lives, &life{studio: s, attic: a, id: events.SessionID(s.IDs.ULID()), random: random, told: told})
		}
		stir := stirred{a, func() {
			if random.IntN(4) == 0 {
				lives[random.IntN(len(lives))].step(t)
			}
			for _, l := range lives {
				l.wantPointedAt(t)
			}
		}}
		for range 40 {
			stir.now()
			if _, err := s.sweeper(stir).Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			stir.now()
		}
	}
	for _, kind := range []events.Kind{events.KindAudioMeasured, events.KindAudioRejected, events.KindSessionDeleteRequested} {
		if told[kind] < 5 {
			t.Errorf("only %d lives came to %s", told[kind], kind)
		}
	}
}

// stirred lets something happen after each look, and before anything goes.
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

func (s stirred) Discard(ctx context.Context, l Lying) error {
	for range 8 {
		s.now()
	}
	return s.attic.Discard(ctx, l)
}

// life is one session that does what a learner and the workers may do, each as slowly as
// can be: what they lay into the store is old before they tell of it.
type life struct {
	*studio
	attic
	id      events.SessionID
	random  *rand.Rand
	begun   bool
	gone    bool
	upload  events.UploadID // announced, and not completed
	waiting events.UploadID // completed
	placed  string          // the audio of waiting; not told of
	audio   events.UploadID
	levels  string   // of the audio; not told of
	points  []string // at what its events point
	told    map[events.Kind]int
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

func (l *life) say(t *testing.T, body events.Body) {
	l.studio.Append(t, l.id.Aggregate(), body)
	l.told[body.Kind()]++
}

// put lays what is old at once.
func (l *life) put(key string) string {
	l.lay(key, l.Clock.Now().Add(-orphanAge))
	return key
}

func (l *life) step(t *testing.T) {
	switch {
	case l.gone:
	case !l.begun:
		l.begun = true
		l.say(t, &events.SessionStarted{Learner: learner})
	case l.random.IntN(40) == 0:
		l.say(t, &events.SessionDeleteRequested{By: learner})
		l.points, l.gone = nil, true
	case l.audio != "":
		l.measure(t)
	case l.waiting != "":
		l.finalize(t)
	default:
		l.bring(t)
	}
}

// bring is what a browser does.
func (l *life) bring(t *testing.T) {
	incoming := IncomingKey(l.id, l.upload)
	switch chance := l.random.IntN(3); {
	case l.upload == "" || chance == 0: // other bytes, the first time or instead
		l.upload = events.UploadID(l.IDs.ULID())
		l.say(t, &events.UploadRequested{Upload: l.upload})
	case !slices.Contains(l.all(), incoming):
		l.put(incoming)
		l.put(incoming + "?parts")
	case chance == 1:
		l.say(t, &events.UploadCompleted{Upload: l.upload, Object: incoming})
		l.points = append(l.points, incoming)
		l.waiting, l.upload = l.upload, ""
	}
}

// finalize is what a finalizer does, which may refuse it however far it came.
func (l *life) finalize(t *testing.T) {
	switch {
	case l.random.IntN(4) == 0:
		l.say(t, &events.AudioRejected{Upload: l.waiting, Reason: string(ReasonCodec)})
		l.waiting, l.placed = "", ""
	case l.placed == "":
		l.placed = l.put(AudioKey(l.id, l.waiting, "audio/webm"))
	default:
		l.say(t, &events.AudioFinalized{Upload: l.waiting, Object: l.placed})
		incoming := IncomingKey(l.id, l.waiting)
		l.points = append(slices.DeleteFunc(l.points, func(key string) bool { return key == incoming }), l.placed)
		l.audio, l.waiting, l.placed = l.waiting, "", ""
	}
}

// measure is what a measurer does.
func (l *life) measure(t *testing.T) {
	switch key := LevelsKey(l.id, l.audio); {
	case slices.Contains(l.points, key):
	case l.levels == "":
		l.levels = l.put(key)
	default:
		l.say(t, &events.AudioMeasured{Upload: l.audio, Object: key})
		l.points = append(l.points, key)
	}
}
