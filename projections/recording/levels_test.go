package recording

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"parley/events"
)

func measured(t *testing.T, file []byte) Levels {
	t.Helper()
	levels, err := Measure(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return levels
}

// near tells whether all values are within two decibels of the wanted one.
func near(values []byte, want float64) bool {
	return !slices.ContainsFunc(values, func(v byte) bool { return float64(v) < (want-quietest-2)*4 || float64(v) > (want-quietest+2)*4 })
}

// every gives the values of one channel.
func every(levels Levels, channel int) (values []byte) {
	for i := levelsHead + channel; i < len(levels); i += int(levels[4]) {
		values = append(values, levels[i])
	}
	return values
}

func TestMeasure(t *testing.T) {
	const tone = -10.5 // dBFS: the tones of the corpus have an amplitude of 0.3
	for _, name := range []string{"ffmpeg-stereo", "ffmpeg-mono", "ffmpeg-packets-of-120ms", "mkvmerge-lacing-xiph", "mkvmerge-lacing-ebml", "mkvmerge-lacing-fixed", "mkvmerge-groups-only"} {
		t.Run(name+" is as loud as its tones, to its end", func(t *testing.T) {
			file := fixture(t, "corpus/"+name+".webm")
			plan, _ := rewritten(t, file, claimOf(file, 0))
			levels := measured(t, file)
			if string(levels[:4]) != "PLV1" || int(levels[4]) != plan.Channels || levels[5] != LevelsPerSecond {
				t.Fatalf("head %q", levels[:levelsHead])
			}
			for channel := range plan.Channels {
				values := every(levels, channel)
				if len(values) < 50 || len(values) > 51 || !near(values[2:48], tone) {
					t.Errorf("channel %d: %d values %v", channel, len(values), values)
				}
			}
		})
	}
	t.Run("what is missing is silence, and the rest keeps its place", func(t *testing.T) {
		file := fixture(t, "corpus/mkvmerge-mono-clusters-of-200ms.webm")
		marks := clusterMarks(file)
		values := every(measured(t, slices.Concat(file[:marks[4]], file[marks[8]:])), 0)
		quiet := 0
		for _, v := range values {
			if v == 0 {
				quiet++
			}
		}
		if quiet < 14 || quiet > 17 || len(values) < 50 || values[17] != 0 || values[len(values)-4] == 0 {
			t.Errorf("%d silent of %v", quiet, values)
		}
	})
	t.Run("packets that cannot be decoded are silence", func(t *testing.T) {
		levels := measured(t, newTape(2).cluster().simple(0, 10).raw(appendBytes(nil, idSimpleBlock, blockBody(600, 0, []byte{0xFF}))).b)
		if string(levels[:4]) != "PLV1" {
			t.Errorf("%q", levels)
		}
	})
	t.Run("what is no recording is not measured", func(t *testing.T) {
		if _, err := Measure(bytes.NewReader([]byte("PK"))); !errors.Is(err, errUnmeasured) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a broken connection is no silence", func(t *testing.T) {
		file := fixture(t, "corpus/ffmpeg-mono.webm")
		for _, n := range []int{10, 3000} {
			if _, err := Measure(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(errBroken))); !errors.Is(err, errBroken) {
				t.Errorf("after %d bytes: %v", n, err)
			}
		}
	})
}

func TestMeasureLimit(t *testing.T) {
	at := func(when time.Duration) error {
		_, err := Measure(bytes.NewReader(clusterAt(when.Milliseconds())))
		return err
	}
	if err := at(maxMeasured); err != nil {
		t.Errorf("just a day: %v", err)
	}
	if err := at(maxMeasured + time.Millisecond); !errors.Is(err, errUnmeasured) {
		t.Errorf("more than a day: %v", err)
	}
}

func TestIsMeasurable(t *testing.T) {
	day := maxMeasured.Milliseconds()
	for name, c := range map[string]struct {
		audio *events.AudioFinalized
		want  bool
	}{
		"none":                      {nil, false},
		"WebM":                      {&events.AudioFinalized{ContentType: "audio/webm", DurationMS: 1}, true},
		"WebM of a day":             {&events.AudioFinalized{ContentType: "audio/webm", DurationMS: day}, true},
		"WebM a millisecond longer": {&events.AudioFinalized{ContentType: "audio/webm", DurationMS: day + 1}, false},
		"MP4":                       {&events.AudioFinalized{ContentType: "audio/mp4", DurationMS: 1}, false},
	} {
		if got := IsMeasurable(c.audio); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestMeasurer(t *testing.T) {
	s := setup(t)
	file := fixture(t, "corpus/ffmpeg-stereo.webm")
	measurer := func() *Measurer {
		return NewMeasurer(faultyLog{s.Log, s.fault}, faultyShelves{s.shelves, s.fault}, s.Clock.Now, s.IDs.Event, s.finalizer().logger)
	}
	saved := func(t *testing.T) (events.SessionID, events.Event) {
		id, hint := s.uploaded(t, file, 2500*time.Millisecond)
		s.until(t, hint)
		return id, hint
	}
	t.Run("does nothing before the audio is there", func(t *testing.T) {
		id, hint := s.uploaded(t, file, 2500*time.Millisecond)
		if err := measurer().Handle(t.Context(), hint); err != nil || s.session(t, id).Measured != nil {
			t.Errorf("measured, %v", err)
		}
	})
	t.Run("puts the levels beside the audio once, whatever step fails", func(t *testing.T) {
		for _, took := range []bool{false, true} {
			for step := 1; ; step++ {
				*s.fault = fault{}
				id, hint := saved(t)
				*s.fault = fault{at: step, took: took}
				failures := 0
				for err := measurer().Handle(t.Context(), hint); err != nil; err = measurer().Handle(t.Context(), hint) {
					failures++
				}
				if s.fault.at > s.fault.steps {
					break
				}
				session, keys := s.session(t, id), s.shelves.keys(id)
				if failures == 0 || session.Measured == nil || len(session.Positions) != 6 || len(keys) != 2 || s.shelves.kept[session.Measured.Object].bytes == nil {
					t.Errorf("step %d, took effect %v: %d failures, %d events, left are %v", step, took, failures, len(session.Positions), keys)
				}
			}
		}
	})
	t.Run("removes them when the session was deleted meanwhile", func(t *testing.T) {
		*s.fault = fault{}
		id, hint := saved(t)
		s.shelves.onPut = func() { s.Append(t, id.Aggregate(), &events.SessionDeleteRequested{By: learner}) }
		if err := measurer().Handle(t.Context(), hint); err != nil || len(s.shelves.keys(id)) != 0 || s.session(t, id).Measured != nil {
			t.Errorf("left are %v, %v", s.shelves.keys(id), err)
		}
	})
}

func FuzzMeasure(f *testing.F) {
	f.Add(minute().b)
	f.Add(laced())
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := Measure(bytes.NewReader(file)); err != nil && !errors.Is(err, errUnmeasured) {
			t.Fatal(err)
		}
	})
}

// BenchmarkMeasure decodes Chromium's five seconds.
func BenchmarkMeasure(b *testing.B) {
	file, err := os.ReadFile("testdata/chromium-156-stereo-5s.webm")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Measure(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*3600/5, "s/hour")
}
