package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/events"
	"parley/events/jetstream"
)

// watch follows the learner's live updates; each one is a signal to look again.
func (b *browser) watch() (changed <-chan struct{}) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/api/live", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Cookie", b.cookie)
	streaming := &http.Client{Transport: &http.Transport{}}
	response, err := streaming.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("live: %v %v", response, err)
	}
	signals := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(signals)
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data:") {
				select {
				case signals <- struct{}{}:
				default: // one look serves several changes
				}
			}
		}
	}()
	b.t.Cleanup(func() { cancel(); <-done })
	return signals
}

// until looks after each live change whether it is so.
func (b *browser) until(what string, changed <-chan struct{}, isSo func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for !isSo() {
		select {
		case _, open := <-changed:
			if !open {
				b.t.Fatalf("%s: the live stream ended", what)
			}
		case <-ctx.Done():
			b.t.Fatalf("%s: not in time", what)
		}
	}
}

// conversation is a session on the way.
type conversation struct {
	*browser
	id     string
	upload string
	parts  []any
}

func (b *browser) startSession() *conversation {
	b.t.Helper()
	topics := b.must(http.StatusOK, "GET", "/api/topics", nil)
	list, _ := topics.json["topics"].([]any)
	if len(list) < 6 {
		b.t.Fatalf("%d topics", len(list))
	}
	english := slices.IndexFunc(list, func(topic any) bool { return topic.(map[string]any)["language"] == "en-US" })
	topic := list[english].(map[string]any)["id"]
	a := b.must(http.StatusCreated, "POST", "/api/sessions", map[string]any{"topic_id": topic})
	return &conversation{browser: b, id: a.text("id")}
}

func (c *conversation) path(more string) string { return "/api/sessions/" + c.id + more }

func (c *conversation) token() answer { return c.must(http.StatusOK, "POST", c.path("/token"), nil) }

// reports are two turns, as a page relays them.
func reports() []map[string]any {
	say := func(n int, event string) map[string]any {
		return map[string]any{"n": n, "call": 1, "at_ms": 100 * n, "rec_ms": 100*n - 50, "event": raw(event)}
	}
	return []map[string]any{
		say(1, `{"type":"parley.recording_started"}`),
		say(2, `{"type":"parley.call_connected","since_click_ms":80}`),
		say(3, `{"type":"response.output_item.added","response_id":"r1","output_index":0,"item":{"id":"t1","type":"message","role":"assistant","content":[]}}`),
		say(4, `{"type":"conversation.item.added","previous_item_id":null,"item":{"id":"t1","type":"message","role":"assistant","content":[]}}`),
		say(5, `{"type":"output_audio_buffer.started","response_id":"r1"}`),
		say(6, `{"type":"response.output_audio_transcript.done","response_id":"r1","item_id":"t1","output_index":0,"content_index":0,"transcript":"Good morning, what would you like?"}`),
		say(7, `{"type":"output_audio_buffer.stopped","response_id":"r1"}`),
		say(8, `{"type":"input_audio_buffer.speech_started","audio_start_ms":500,"item_id":"l1"}`),
		say(9, `{"type":"input_audio_buffer.speech_stopped","audio_end_ms":1100,"item_id":"l1"}`),
		say(10, `{"type":"input_audio_buffer.committed","item_id":"l1","previous_item_id":"t1"}`),
		say(11, `{"type":"conversation.item.input_audio_transcription.completed","item_id":"l1","content_index":0,"transcript":"Two marzipan croissants, please."}`),
	}
}

type raw string

// MarshalJSON gives the text as it is.
func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func (c *conversation) report() {
	c.t.Helper()
	a := c.must(http.StatusOK, "POST", c.path("/events"), map[string]any{"events": reports()})
	if through := a.json["received_through"]; through != float64(len(reports())) {
		c.t.Fatalf("received through %v: %s", through, a)
	}
}

func (c *conversation) end() {
	c.t.Helper()
	c.must(http.StatusOK, "POST", c.path("/end"), map[string]any{"reason": "learner", "recording_expected": true, "last_n": len(reports())})
}

func (c *conversation) announce(bytes []byte) { c.announceAs(bytes, "audio/webm;codecs=opus", 5000) }

func (c *conversation) announceAs(bytes []byte, contentType string, ms int) {
	c.t.Helper()
	sum := sha256.Sum256(bytes)
	a := c.must(http.StatusOK, "POST", c.path("/upload"), map[string]any{
		"size": len(bytes), "sha256": hex.EncodeToString(sum[:]), "content_type": contentType, "duration_ms": ms,
	})
	c.upload, c.parts = a.text("upload_id"), a.json["parts"].([]any)
}

// put sends the part as it was signed: straight to the store.
func (c *conversation) put(bytes []byte) answer {
	part := c.parts[0].(map[string]any)
	var headers []string
	for name, value := range part["headers"].(map[string]any) {
		headers = append(headers, name, value.(string))
	}
	plain := &browser{t: c.t, base: c.base, client: c.client}
	return plain.do(part["method"].(string), part["url"].(string), bytes, headers...)
}

func (c *conversation) complete() answer {
	return c.do("POST", c.path("/upload/"+c.upload+"/complete"), nil)
}

func (c *conversation) status() string {
	return c.must(http.StatusOK, "GET", c.path(""), nil).text("status")
}

func (c *conversation) saved() {
	c.t.Helper()
	changed := c.watch()
	c.until("saved", changed, func() bool { return c.status() == "saved" })
}

// measured waits for the levels of the recording.
func (c *conversation) measured() {
	c.t.Helper()
	changed := c.watch()
	c.until("measured", changed, func() bool { return c.do("GET", c.path("/levels"), nil).status == http.StatusOK })
}

func TestLine(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.startSession()
	token := c.token()
	if token.text("value") == "" || !strings.HasPrefix(token.text("calls_url"), p.base) || token.json["call"] != 1.0 {
		t.Fatalf("token: %s", token)
	}
	c.report()
	c.end()
	recording := sample(t)
	c.announce(recording)
	if a := c.put(recording); a.status != http.StatusOK {
		t.Fatalf("signed upload: %s", a)
	}
	if a := c.complete(); a.status != http.StatusOK {
		t.Fatalf("complete: %s", a)
	}
	c.saved()
	t.Run("the session reads as it was spoken", func(t *testing.T) { wantSegments(t, c) })
	t.Run("the recording plays from anywhere", func(t *testing.T) { wantAudio(t, c) })
	t.Run("it is measured afterwards", func(t *testing.T) {
		c.measured()
		levels := c.must(http.StatusOK, "GET", c.path("/levels"), nil).raw
		if n := len(levels) - 8; string(levels[:6]) != "PLV1\x02\x14" || n < 2*20*48/10 || n > 2*20*51/10 {
			t.Errorf("%d bytes, %q", len(levels), levels[:8])
		}
	})
	t.Run("the transcript comes as files", func(t *testing.T) {
		for ending, want := range map[string]string{"txt": "Learner: Two marzipan", "vtt": "<v Tutor>Good morning", "json": `"speaker":"tutor"`} {
			if a := c.must(http.StatusOK, "GET", c.path("/transcript."+ending), nil); !strings.Contains(string(a.raw), want) {
				t.Errorf("%s: %s", ending, a)
			}
		}
	})
	t.Run("one's words are found, in another form too", func(t *testing.T) {
		for query, want := range map[string]int{"croissant": 1, "marzipan please": 1, "bicycle": 0} {
			a := c.must(http.StatusOK, "GET", "/api/sessions?q="+strings.ReplaceAll(query, " ", "+"), nil)
			if got := len(a.json["sessions"].([]any)); got != want {
				t.Errorf("%q: %d sessions", query, got)
			}
		}
	})
	t.Run("deleted is unreadable at once, and swept", func(t *testing.T) { wantErased(t, p, c) })
	p.stop()
}

func wantSegments(t *testing.T, c *conversation) {
	a := c.must(http.StatusOK, "GET", c.path(""), nil)
	var got []string
	for _, s := range a.json["segments"].([]any) {
		m := s.(map[string]any)
		got = append(got, fmt.Sprint(m["speaker"], " ", m["status"], " ", m["text"], " ", m["started_ms"], "-", m["ended_ms"]))
	}
	want := []string{
		"tutor final Good morning, what would you like? 450-650",
		"learner final Two marzipan croissants, please. 950-1250",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

func wantAudio(t *testing.T, c *conversation) {
	whole := c.must(http.StatusOK, "GET", c.path("/audio"), nil)
	if whole.header.Get("Content-Type") != "audio/webm" || whole.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("headers: %v", whole.header)
	}
	part := c.must(http.StatusPartialContent, "GET", c.path("/audio"), nil, "Range", "bytes=100-199")
	if string(part.raw) != string(whole.raw[100:200]) {
		t.Fatal("the range holds other bytes")
	}
	audio := c.must(http.StatusOK, "GET", c.path(""), nil).json["audio"].(map[string]any)
	if ms := audio["duration_ms"].(float64); ms < 4000 || ms > 6500 {
		t.Fatalf("duration %v", ms)
	}
}

func wantErased(t *testing.T, p *program, c *conversation) {
	c.must(http.StatusAccepted, "DELETE", c.path(""), nil)
	for _, path := range []string{"", "/audio", "/transcript.txt"} {
		if a := c.do("GET", c.path(path), nil); a.status != http.StatusNotFound {
			t.Errorf("%s after deletion: %s", path, a)
		}
	}
	if a := c.do("POST", c.path("/events"), map[string]any{"events": reports()}); a.status != http.StatusNotFound {
		t.Errorf("a late report: %s", a)
	}
	p.untilSwept(t, events.SessionID(c.id))
	out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", c.id)
	if strings.Contains(out, "session_started") || !strings.Contains(out, "session_erased") {
		t.Errorf("what is left of the session: %s", out)
	}
}

// untilSwept follows the log up to the session's last tombstone.
func (p *program) untilSwept(t *testing.T, id events.SessionID) {
	t.Helper()
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		swept := errors.New("swept")
		err := log.Follow(ctx, 0, 100, func(batch []events.Event) error {
			for _, e := range batch {
				if b, is := e.Body.(*events.SessionErased); is && e.Aggregate == id.Aggregate() && b.SweptAt != nil {
					return swept
				}
			}
			return nil
		})
		if errors.Is(err, swept) {
			return nil
		}
		return fmt.Errorf("not swept: %w", err)
	})
}

func TestKilledBetweenSteps(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	ada := p.setUp(t)
	c := ada.startSession()
	c.token()
	recording := sample(t)
	steps := []struct {
		name string
		take func()
	}{
		{"reports", c.report},
		{"end", c.end},
		{"announced", func() { c.announce(recording) }},
		{"uploaded", func() {
			c.announce(recording) // signed URLs name the store's port, which may have changed
			if a := c.put(recording); a.status != http.StatusOK {
				t.Fatalf("upload: %s", a)
			}
		}},
		{"completed", func() {
			if a := c.complete(); a.status != http.StatusOK {
				t.Fatalf("complete: %s", a)
			}
		}},
	}
	for _, step := range steps {
		step.take()
		p.kill()
		p = start(t, dir)
		c.base = p.base
		c.cookie = rename(c.cookie, p.base)
		if c.must(http.StatusOK, "GET", c.path(""), nil); t.Failed() {
			t.Fatalf("after %q the session is gone", step.name)
		}
	}
	c.saved()
	wantAudio(t, c)
	if segments := c.must(http.StatusOK, "GET", c.path(""), nil).json["segments"].([]any); len(segments) != 2 {
		t.Fatalf("%d segments", len(segments))
	}
}

// rename moves a cookie to another port's name: the test's ports are chosen
// anew at each start, an operator's are not.
func rename(cookie, base string) string {
	_, value, _ := strings.Cut(cookie, "=")
	return "parley_" + base[strings.LastIndex(base, ":")+1:] + "=" + value
}
