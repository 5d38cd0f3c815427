package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	door "parley/http"
	"parley/projections/recording"
	"parley/projections/timekeeper"
)

// stuckIn reads what recover --json lists.
func stuckIn(t *testing.T, dir string, args ...string) map[string]door.StuckSession {
	t.Helper()
	out, errs, code := invoke(t, "", append([]string{"recover", "--data", dir, "--json"}, args...)...)
	if code != exitOK {
		t.Fatalf("recover: exit %d, %s", code, errs)
	}
	found := map[string]door.StuckSession{}
	for line := range strings.Lines(out) {
		var s door.StuckSession
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		found[string(s.ID)] = s
	}
	return found
}

// silentSession is a session that its page has left.
func (b *browser) silentSession() *conversation {
	b.t.Helper()
	c := b.startSession()
	c.token()
	c.report()
	return c
}

func TestRecover(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	refused := ada.refused(t)
	left := ada.silentSession()
	waiting := ada.silentSession()
	waiting.end()

	t.Run("lists what is stuck, and why", func(t *testing.T) {
		found := stuckIn(t, p.dir, "--quiet", "0s")
		for id, want := range map[string]string{left.id: "active", waiting.id: "ended", refused.id: "needs_attention"} {
			if found[id].Status != want || found[id].Why == "" || len(found[id].Remedies) == 0 {
				t.Errorf("%s: %+v", want, found[id])
			}
		}
	})
	t.Run("what is not quiet for long enough is not stuck", func(t *testing.T) {
		if found := stuckIn(t, p.dir); len(found) != 0 {
			t.Errorf("found %v", found)
		}
	})
	t.Run("without a terminal nothing is done unasked", func(t *testing.T) {
		out, errs, code := invoke(t, "", "recover", "--data", p.dir, "--session", left.id, "--end")
		if code != exitFailed || !strings.Contains(out, "append session_ended") || !strings.Contains(errs, "--yes") || left.status() != "active" {
			t.Errorf("exit %d, %s%s", code, out, errs)
		}
	})
	t.Run("a dry run says what would be done", func(t *testing.T) {
		out, errs, code := invoke(t, "", "recover", "--data", p.dir, "--session", left.id, "--end", "--dry-run")
		if code != exitOK || !strings.Contains(out, "reports 1 to 11 expected") || left.status() != "active" {
			t.Errorf("exit %d, %s%s", code, out, errs)
		}
	})
	t.Run("ends, in the operator's name", func(t *testing.T) {
		if h := p.help(t, "--end", left.id); h.Status != "ended" {
			t.Errorf("%+v", h)
		}
		out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", left.id)
		if !strings.Contains(out, `"actor":"operator:`) || !strings.Contains(out, `"reason":"operator"`) {
			t.Errorf("replay: %s", out)
		}
	})
	t.Run("closes without the recording", func(t *testing.T) {
		if h := p.help(t, "--without-recording", waiting.id); h.Status != "saved" {
			t.Errorf("%+v", h)
		}
	})
	t.Run("a recording that comes later all the same is taken", func(t *testing.T) {
		recording := sample(t)
		waiting.announce(recording)
		waiting.put(recording)
		changed := waiting.watch()
		waiting.complete()
		waiting.until("audio", changed, func() bool {
			return waiting.must(http.StatusOK, "GET", waiting.path(""), nil).json["audio"] != nil
		})
	})
	t.Run("looks at a refused recording again, and says so if it is refused again", func(t *testing.T) {
		if h := p.help(t, "--finalize", refused.id); h.Status != "needs_attention" || h.Reason != "wrong_format" {
			t.Errorf("%+v", h)
		}
		if out, _, _ := invoke(t, "", "replay", "--data", p.dir, refused.id); strings.Count(out, "audio_rejected") != 2 {
			t.Errorf("replay: %s", out)
		}
	})
	t.Run("refuses what would not help", func(t *testing.T) {
		for name, args := range map[string][]string{
			"to end what has ended":           {"--session", waiting.id, "--end"},
			"to finalize what is finalized":   {"--session", waiting.id, "--finalize"},
			"to do without what is there":     {"--session", waiting.id, "--without-recording"},
			"to finalize what never came":     {"--session", left.id, "--finalize"},
			"a session that never was":        {"--session", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--end"},
			"a remedy for nobody":             {"--end"},
			"a session without a remedy":      {"--session", left.id},
			"two remedies":                    {"--session", left.id, "--end", "--finalize"},
			"all, when one cannot be helped":  {"--session", left.id + "," + waiting.id, "--without-recording"},
			"a session that is no session id": {"--session", "left", "--end"},
		} {
			if out, errs, code := invoke(t, "", append([]string{"recover", "--data", p.dir, "--yes"}, args...)...); code == exitOK || errs == "" {
				t.Errorf("%s: exit %d, %s%s", name, code, out, errs)
			}
		}
	})
}

// help acts on one session and gives what became of it.
func (p *program) help(t *testing.T, remedy, id string) door.Helped {
	t.Helper()
	out, errs, code := invoke(t, "", "recover", "--data", p.dir, "--json", "--yes", "--session", id, remedy)
	var h door.Helped
	if err := json.Unmarshal([]byte(out), &h); err != nil || code != exitOK || !h.Done {
		t.Fatalf("%v: exit %d, %s%s", err, code, out, errs)
	}
	return h
}

func TestDiagnosis(t *testing.T) {
	started := &events.SessionStarted{Learner: "anna"}
	ended := func(expected bool, lastN int64) *events.SessionEnded {
		return &events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: expected, LastN: lastN}
	}
	announced, completed := &events.UploadRequested{Upload: "u"}, &events.UploadCompleted{Upload: "u", Object: "incoming/u"}
	audio := &events.AudioFinalized{Upload: "u", ContentType: "audio/webm"}
	for name, c := range map[string]struct {
		happened []events.Body
		settled  bool
		status   string
		why      string
		remedies int
	}{
		"left":                       {[]events.Body{started}, false, "active", "its page is gone", 3},
		"no upload yet":              {[]events.Body{started, ended(true, 0)}, false, "ended", "still holds the recording", 1},
		"uploading":                  {[]events.Body{started, ended(true, 0), announced}, false, "uploading", "still holds the recording", 1},
		"not finalized":              {[]events.Body{started, ended(true, 0), announced, completed}, false, "finalizing", "has not decided", 2},
		"refused":                    {[]events.Body{started, ended(true, 0), announced, completed, &events.AudioRejected{Upload: "u", Reason: "no_sound"}}, false, "needs_attention", "(no_sound): it holds not one packet of sound", 2},
		"reports missing":            {[]events.Body{started, ended(false, 3)}, false, "ended", "reports 1 to 0 of 3", 0},
		"saved":                      {[]events.Body{started, ended(false, 0)}, true, "saved", "", 0},
		"no levels":                  {[]events.Body{started, ended(true, 0), announced, completed, audio}, false, "saved", "has no levels", 1},
		"no levels, reports missing": {[]events.Body{started, ended(true, 3), announced, completed, audio}, false, "needs_attention", "reports 1 to 0 of 3 are in); its recording has no levels", 1},
		"levels":                     {[]events.Body{started, ended(true, 0), announced, completed, audio, &events.AudioMeasured{Upload: "u"}}, true, "saved", "", 0},
		"MP4 has none":               {[]events.Body{started, ended(true, 0), announced, completed, &events.AudioFinalized{Upload: "u", ContentType: "audio/mp4"}}, true, "saved", "", 0},
		"deleted":                    {[]events.Body{started, &events.SessionDeleteRequested{}}, false, "being erased", "deletion is not done", 1},
		"not swept":                  {[]events.Body{started, &events.SessionDeleteRequested{}, &events.SessionErased{}}, false, "erased", "not swept", 1},
		"swept":                      {[]events.Body{&events.SessionErased{SweptAt: &eventstest.Began}}, true, "erased", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := &patient{open: map[events.SessionID]*timekeeper.Session{}, again: map[events.SessionID]bool{}}
			for i, body := range c.happened {
				p.take(events.Event{Aggregate: spokenID.Aggregate(), Body: body, Position: events.Position(i + 1), Time: eventstest.Began.Add(time.Duration(i))})
			}
			if s := p.open[spokenID]; s != nil && !c.settled {
				d := diagnose(s, eventstest.Began)
				if d.Status != c.status || !strings.Contains(d.Why, c.why) || len(d.Remedies) != c.remedies {
					t.Errorf("%+v", d)
				}
			} else if (s == nil) != c.settled {
				t.Errorf("settled %t", s == nil)
			}
		})
	}
}

func TestEveryRefusalIsExplained(t *testing.T) {
	words, err := os.ReadFile("../../web/src/strings/attention.en.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range recording.Reasons() {
		if refusedAdvice[reason] == "" {
			t.Errorf("%s says nothing to operators", reason)
		}
		if !strings.Contains(string(words), "\n    "+string(reason)+":\n") {
			t.Errorf("%s says nothing to learners", reason)
		}
	}
	if len(refusedAdvice) != len(recording.Reasons()) {
		t.Error("there is advice for a reason that no recording is refused for")
	}
}
