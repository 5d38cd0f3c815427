package s3

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/events"
)

// send does what a browser does with a presigned request.
func send(t *testing.T, r Request, body []byte, change func(*http.Request)) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.Method, r.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range r.Headers {
		req.Header.Set(name, value)
	}
	change(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, res.Body)
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func asIs(*http.Request) {}

func TestPresign(t *testing.T) {
	s := setup(t)
	o, body := given("incoming/a/b", 10_000)
	corrupted := bytes.Clone(body)
	corrupted[5000] ^= 1
	request, err := s.Presign(t.Context(), o, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	drop := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del(name) }
	}

	for _, when := range []struct {
		name   string
		body   []byte
		change func(*http.Request)
		want   int
	}{
		{"a longer body", append(bytes.Clone(body), 0), asIs, http.StatusForbidden},
		{"a shorter body", body[1:], asIs, http.StatusForbidden},
		{"another type", body, func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }, http.StatusForbidden},
		{"no type", body, drop("Content-Type"), http.StatusForbidden},
		{"no checksum", body, drop(checksumHeader), http.StatusForbidden},
		{"no condition", body, drop("If-None-Match"), http.StatusForbidden},
		{"another key", body, func(r *http.Request) { r.URL.Path += "x" }, http.StatusForbidden},
		{"a corrupted body", corrupted, asIs, http.StatusBadRequest},
		{"what was announced", body, asIs, http.StatusOK},
		{"the same a second time", body, asIs, http.StatusPreconditionFailed},
	} {
		t.Run(when.name, func(t *testing.T) {
			if status, answer := send(t, request, when.body, when.change); status != when.want {
				t.Errorf("answer %d, want %d: %s", status, when.want, answer)
			}
			_, err := s.Head(t.Context(), o.Key)
			if stored := err == nil; stored != (when.want == http.StatusOK || when.want == http.StatusPreconditionFailed) {
				t.Errorf("head: %v", err)
			}
		})
	}
	t.Run("the checksum is kept", func(t *testing.T) {
		if got, err := s.Head(t.Context(), o.Key); err != nil || got.SHA256 != o.SHA256 || got.ContentType != o.ContentType {
			t.Errorf("head = %+v, %v", got, err)
		}
	})
}

func TestPresignTooLate(t *testing.T) {
	s := setup(t)
	o, body := given("late", 1000)
	var request Request
	synctest.Test(t, func(t *testing.T) { // where it is the year 2000
		var err error
		if request, err = s.Presign(t.Context(), o, time.Second); err != nil {
			t.Fatal(err)
		}
	})
	status, answer := send(t, request, body, asIs)
	if status != http.StatusForbidden || !strings.Contains(answer, "expired") {
		t.Errorf("answer %d: %s", status, answer)
	}
}

func TestPresignRefuses(t *testing.T) {
	s := setup(t)
	o, _ := given("key", 1000)
	for expires, want := range map[time.Duration]events.Code{
		time.Second - 1:      events.CodeInvalid,
		time.Second:          "",
		7 * 24 * time.Hour:   "",
		7*24*time.Hour + 1e9: events.CodeInvalid,
	} {
		if _, err := s.Presign(t.Context(), o, expires); events.CodeOf(err) != want {
			t.Errorf("expiry %v: %v, want %q", expires, err, want)
		}
	}
	t.Run("without a public endpoint", func(t *testing.T) {
		config := configOf(t)
		config.PublicEndpoint = ""
		inner, err := Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inner.Presign(t.Context(), o, time.Hour); events.CodeOf(err) != events.CodeUnavailable || inner.Presigns() {
			t.Errorf("got %v", err)
		}
	})
}
