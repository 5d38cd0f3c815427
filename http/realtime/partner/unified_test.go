package partner_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

// recorded is the session of the recorded exchange that opens a call with a form.
const recorded = `{"model": "gpt-realtime", "type": "realtime", "instructions": "Answer in two words.", "output_modalities": ["audio"], "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": {"type": "server_vad", "create_response": true, "interrupt_response": true}, "transcription": {"model": "gpt-realtime-whisper"}}, "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "cedar"}}}`

// form is a body with these fields, by pairs, and its content type.
func form(t *testing.T, fields ...string) (kind, body string) {
	t.Helper()
	var written bytes.Buffer
	w := multipart.NewWriter(&written)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), written.String()
}

func TestCallWithItsSessionInAForm(t *testing.T) {
	p := setup(t, partner.Config{})
	calls := p.url + "/v1/realtime/calls"
	t.Run("is opened with the standing key", func(t *testing.T) {
		b := newBrowser(t)
		kind, body := form(t, "sdp", b.offer(), "session", recorded)
		response, answer := post(t, calls, key, kind, body)
		if response.StatusCode != http.StatusCreated || !strings.HasPrefix(response.Header.Get("Location"), "/v1/realtime/calls/rtc_") {
			t.Fatalf("%d, %q: %s", response.StatusCode, response.Header.Get("Location"), answer)
		}
		if err := b.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
			t.Fatal(err)
		}
		b.await(b.opened)
		described, _ := until[realtime.SessionDescribed](b)
		if described.Model != "gpt-realtime" || described.SessionID == "" {
			t.Errorf("%+v", described)
		}
	})
	for name, test := range map[string]struct {
		bearer string
		fields []string
		want   int
	}{
		"not with a token":                   {"ek_" + strings.Repeat("A", 24), []string{"sdp", "v=0", "session", recorded}, http.StatusUnauthorized},
		"not without an offer":               {key, []string{"session", recorded}, http.StatusBadRequest},
		"not without a session":              {key, []string{"sdp", "v=0"}, http.StatusBadRequest},
		"not with a session of words":        {key, []string{"sdp", "v=0", "session", `"hello"`}, http.StatusBadRequest},
		"not with an offer that is none":     {key, []string{"sdp", "hello", "session", recorded}, http.StatusBadRequest},
		"not with more than a form may hold": {key, []string{"sdp", strings.Repeat("v", 320<<10), "session", recorded}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			kind, body := form(t, test.fields...)
			if response, said := post(t, calls, test.bearer, kind, body); response.StatusCode != test.want {
				t.Errorf("%d: %s", response.StatusCode, said)
			}
		})
	}
	t.Run("not from a form that is none", func(t *testing.T) {
		if response, said := post(t, calls, key, "multipart/form-data; boundary=x", "--y"); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%d: %s", response.StatusCode, said)
		}
	})
}
