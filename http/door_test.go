package http

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"parley/events"
	"parley/projections"
)

func TestEveryCodeHasAStatus(t *testing.T) {
	for code, status := range statusOf {
		if status < 400 || status > 599 {
			t.Errorf("%s answers %d", code, status)
		}
	}
	if p := problemOf(events.Errorf("no_such_code", "x")); p.Status != http.StatusInternalServerError {
		t.Errorf("an unlisted code answers %d", p.Status)
	}
}

func TestProblemOf(t *testing.T) {
	t.Run("a refusal says why", func(t *testing.T) {
		p := problemOf(events.Errorf(events.CodeTooLarge, "at most 7"))
		if p.Status != http.StatusRequestEntityTooLarge || p.Code != "too_large" || p.Detail != "at most 7" {
			t.Fatalf("%+v", p)
		}
	})
	t.Run("a fault of ours keeps its reason to the log", func(t *testing.T) {
		p := problemOf(errors.New("password=hunter2"))
		if p.Status != http.StatusInternalServerError || strings.Contains(p.Detail, "hunter2") {
			t.Fatalf("%+v", p)
		}
	})
	t.Run("what was erased reads like what never was", func(t *testing.T) {
		erased := problemOf(events.Errorf(events.CodeErased, "this session was deleted"))
		never := problemOf(noSession(nil))
		got, _ := json.Marshal(erased)
		want, _ := json.Marshal(never)
		if string(got) != string(want) {
			t.Fatalf("%s, %s", got, want)
		}
	})
}

func TestPages(t *testing.T) {
	files := fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html>")},
		"assets/app-1a2b.js":    {Data: []byte("script")},
		"assets/app-1a2b.js.br": {Data: []byte("compressed")},
	}
	ask := func(path, accept string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", accept)
		pages(files, time.Unix(0, 0)).ServeHTTP(w, r)
		return w
	}
	t.Run("the page is asked for again each time", func(t *testing.T) {
		w := ask("/topics", "")
		if w.Body.String() != "<!doctype html>" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Fatalf("%v %s", w.Header(), w.Body)
		}
	})
	t.Run("a hashed asset is kept, and comes compressed", func(t *testing.T) {
		w := ask("/assets/app-1a2b.js", "gzip, br;q=0.9")
		if w.Body.String() != "compressed" || w.Header().Get("Content-Encoding") != "br" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Fatalf("%v %s", w.Header(), w.Body)
		}
		if w := ask("/assets/app-1a2b.js", ""); w.Body.String() != "script" {
			t.Fatalf("%s", w.Body)
		}
	})
	t.Run("an asset that is gone is not the page", func(t *testing.T) {
		if w := ask("/assets/old.js", ""); w.Code != http.StatusNotFound {
			t.Fatalf("%d", w.Code)
		}
	})
}

func TestTranscriptVTT(t *testing.T) {
	at := func(ms int64) *int64 { return &ms }
	turn := func(who events.Speaker, status events.TranscriptStatus, text string, from, to *int64) projections.SegmentView {
		return projections.SegmentView{Text: text, Segment: events.Segment{Speaker: who, Status: status, StartedMS: from, EndedMS: to}}
	}
	view := projections.SessionView{ID: "01J", Segments: []projections.SegmentView{
		turn(events.Tutor, events.Final, "a --> b\n\n<i>", at(1500), at(3_723_004)),
		turn(events.Learner, events.Prompted, "My line", at(4000), nil),
		turn(events.Learner, events.Final, "nowhere", nil, nil),
	}}
	w := httptest.NewRecorder()
	if err := transcriptVTT(w, nil, view); err != nil {
		t.Fatal(err)
	}
	want := "WEBVTT\n" +
		"\n00:00:01.500 --> 01:02:03.004\n<v Tutor>a --&gt; b &lt;i&gt;\n" +
		"\n00:00:04.000 --> 00:00:07.000\n<v Learner>[line to say: My line]\n"
	if got := w.Body.String(); got != want {
		t.Fatalf("got %q\nwant %q", got, want)
	}
}

func TestPageBodies(t *testing.T) {
	h := heard{call: 2, atMS: 900}
	kept, known, err := pageBodies(h, "parley.call_connected", []byte(`{"provider_call_id":"rtc_1","since_click_ms":80}`), func(id string) string { return "hash of " + id })
	b, is := kept[0].(*events.CallConnected)
	if err != nil || !known || !is || b.ProviderCall != "hash of rtc_1" || b.Call != 2 || b.SinceClickMS != 80 || b.AtMS != 900 {
		t.Fatalf("%+v %v %v", kept, known, err)
	}
	for _, bad := range []string{`{"provider_call_id":7}`, `{"cause":"` + strings.Repeat("x", maxPageText+1) + `"}`} {
		if _, _, err := pageBodies(h, "parley.call_dropped", []byte(bad), nil); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
	if _, _, err := pageBodies(h, "parley.call_dropped", []byte(`{"cause":"`+strings.Repeat("x", maxPageText)+`"}`), nil); err != nil {
		t.Error(err)
	}
	rec := int64(5000)
	for name, test := range map[string]struct {
		event, raw string
		start, end int64
	}{
		"a held button is the turn's time":                  {"parley.talk_released", `{"item_id":"a","held_ms":1800}`, 3200, 5000},
		"one held since before the recording began":         {"parley.talk_released", `{"item_id":"a","held_ms":5001}`, 0, 5000},
		"times that run backwards give a turn of no length": {"parley.talk_released", `{"item_id":"a","held_ms":-7}`, 5000, 5000},
	} {
		t.Run(name, func(t *testing.T) {
			kept, known, err := pageBodies(heard{call: 2, atMS: 900, recMS: &rec}, test.event, []byte(test.raw), nil)
			if err != nil || !known || len(kept) != 1 {
				t.Fatalf("%+v %v %v", kept, known, err)
			}
			b := kept[0].(*events.SegmentTimed)
			if b.Item != "a" || *b.StartedRecMS != test.start || *b.EndedRecMS != test.end || b.MeasuredBy != events.ByPress {
				t.Errorf("%+v", b)
			}
		})
	}
	for _, quiet := range []string{"parley.talk_pressed", "parley.talk_released"} {
		if kept, known, err := pageBodies(h, quiet, []byte(`{}`), nil); err != nil || !known || len(kept) > 0 {
			t.Errorf("%s: %+v %v %v", quiet, kept, known, err)
		}
	}
}
