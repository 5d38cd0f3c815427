package partner_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"go.uber.org/goleak"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

const (
	key    = "partner-key"
	origin = "http://127.0.0.1:8080"
	// patience is how long a test waits for what must come.
	patience = 30 * time.Second
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a partner that can be reached, and a client of ours for it.
type place struct {
	url    string
	client *realtime.Client
}

func setup(t *testing.T, config partner.Config) place {
	t.Helper()
	config.Key, config.AllowedOrigin, config.Random = key, origin, rand.Reader
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	if config.Now == nil {
		config.Now = time.Now
	}
	p := partner.New(config)
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Error(err)
		}
	})
	return place{server.URL, realtime.New(realtime.Config{
		BaseURL: server.URL + "/v1", APIKey: key, SendPrompt: true, Transport: transport,
	})}
}

func (p place) mint(t *testing.T, request realtime.MintRequest) realtime.Token {
	t.Helper()
	if request.PromptID == "" {
		request.PromptID = "cafe"
	}
	request.Language = "en-US"
	token, err := p.client.Mint(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// byLevel is the turn detection of these tests.
var byLevel = realtime.TurnDetection{Mode: realtime.TurnsByLevel}

func post(t *testing.T, url, bearer, kind, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Origin", origin)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

// browser is the other end of a call.
type browser struct {
	t        *testing.T
	peer     *webrtc.PeerConnection
	track    *webrtc.TrackLocalStaticSample
	channel  *webrtc.DataChannel
	opened   chan struct{}
	closed   chan struct{}
	events   chan realtime.Event
	raw      chan []byte
	heard    chan int // sizes of the tutor's packets that are no silence
	location string
}

// newBrowser prepares a microphone and the events channel, as the page does.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	peer, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{
		t: t, peer: peer, opened: make(chan struct{}), closed: make(chan struct{}),
		events: make(chan realtime.Event, 1000), raw: make(chan []byte, 1000), heard: make(chan int, 10_000),
	}
	t.Cleanup(func() {
		if err := peer.GracefulClose(); err != nil {
			t.Error(err)
		}
	})
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if b.track, err = webrtc.NewTrackLocalStaticSample(opus, "microphone", "learner"); err != nil {
		t.Fatal(err)
	}
	if _, err = peer.AddTrack(b.track); err != nil {
		t.Fatal(err)
	}
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { b.listen(track) })
	if b.channel, err = peer.CreateDataChannel("oai-events", nil); err != nil {
		t.Fatal(err)
	}
	b.channel.OnOpen(func() { close(b.opened) })
	b.channel.OnClose(func() { close(b.closed) })
	b.channel.OnMessage(b.take)
	return b
}

func (b *browser) take(message webrtc.DataChannelMessage) {
	event, err := realtime.Decode(message.Data)
	if err != nil {
		b.t.Errorf("%s: %v", message.Data, err)
		return
	}
	b.events <- event
	b.raw <- message.Data
}

func (b *browser) listen(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if size := len(packet.Payload); size > 3 {
			b.heard <- size
		}
	}
}

func (b *browser) offer() string {
	b.t.Helper()
	offer, err := b.peer.CreateOffer(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(b.peer)
	if err := b.peer.SetLocalDescription(offer); err != nil {
		b.t.Fatal(err)
	}
	<-gathered
	return b.peer.LocalDescription().SDP
}

// call connects a browser with a token.
func call(t *testing.T, token realtime.Token) *browser {
	t.Helper()
	b := newBrowser(t)
	response, answer := post(t, token.CallsURL, token.Value.Reveal(), "application/sdp", b.offer())
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("%d: %s", response.StatusCode, answer)
	}
	b.location = response.Header.Get("Location")
	err := b.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
	if err != nil {
		t.Fatal(err)
	}
	b.await(b.opened)
	return b
}

func (b *browser) await(signal <-chan struct{}) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	select {
	case <-signal:
	case <-ctx.Done():
		b.t.Fatal("it did not come in time")
	}
}

func (b *browser) callID() string { return filepath.Base(b.location) }

func (b *browser) send(event string) {
	b.t.Helper()
	if err := b.channel.SendText(event); err != nil {
		b.t.Fatal(err)
	}
}

// until gives the first event of that body, and the types of all before it.
func until[B realtime.Body](b *browser) (B, []string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	var seen []string
	for {
		select {
		case event := <-b.events:
			if body, found := event.Body.(B); found {
				return body, seen
			}
			if _, ignored := event.Body.(realtime.Ignored); !ignored {
				seen = append(seen, event.Type)
			}
		case <-ctx.Done():
			var want B
			b.t.Fatalf("no %T, only %v", want, seen)
		}
	}
}

// microphone speaks a file once, then is silent, at the pace of real sound,
// until the test ends. The channel is closed when the file is spoken.
func (b *browser) microphone(path string) <-chan struct{} {
	b.t.Helper()
	packets := readOgg(b.t, path)
	spoken, stop, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b.t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ; i++ {
			select {
			case <-pace.C:
			case <-stop:
				return
			}
			sound := []byte{0xf8, 0xff, 0xfe}
			if i < len(packets) {
				sound = packets[i]
			}
			if i == len(packets) {
				close(spoken)
			}
			if err := b.track.WriteSample(media.Sample{Data: sound, Duration: 20 * time.Millisecond}); err != nil {
				b.t.Error(err)
				return
			}
		}
	}()
	return spoken
}

func readOgg(t *testing.T, path string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pages, _, err := oggreader.NewWith(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for {
		packet, header, err := pages.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, isHeader := header.HeaderType(packet); !isHeader {
			packets = append(packets, packet)
		}
	}
}

func TestCall(t *testing.T) {
	t.Run("hears a spoken line and answers it", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: byLevel}))
		described, _ := until[realtime.SessionDescribed](b)
		if described.PrefixPaddingMS == nil || *described.PrefixPaddingMS != 300 || time.Until(described.ExpiresAt) < 59*time.Minute {
			t.Errorf("session: %+v", described)
		}
		b.microphone("testdata/learner/cafe-1-a.ogg")
		begun, _ := until[realtime.SpeechStarted](b)
		over, _ := until[realtime.SpeechStopped](b)
		if length := over.AudioEndMS - begun.AudioStartMS; length < 3000 || length > 4000 || over.ItemID != begun.ItemID {
			t.Errorf("she spoke for %d ms", length)
		}
		placed, _ := until[realtime.Committed](b)
		if placed.ItemID != begun.ItemID || placed.PreviousItemID != nil {
			t.Errorf("committed: %+v", placed)
		}
		until[realtime.ResponseCreated](b)
		text, before := until[realtime.TranscriptionCompleted](b)
		if !text.Prompted || text.Text != "Good morning. I would like a cup of tea, please." || text.ItemID != begun.ItemID {
			t.Errorf("text: %+v", text)
		}
		if joined := strings.Join(before, " "); !strings.Contains(joined, "output_audio_buffer.started") {
			t.Errorf("the text came before the answer: %s", joined)
		}
		tutor, _ := until[realtime.OutputTranscriptDone](b)
		if tutor.Text != "Of course. And would you like something to eat with that?" {
			t.Errorf("tutor: %q", tutor.Text)
		}
		finished, _ := until[realtime.ResponseDone](b)
		if finished.Status != "completed" || finished.Usage == nil || finished.Usage.OutputAudioTokens == 0 {
			t.Errorf("response: %+v", finished)
		}
		until[realtime.OutputAudioStopped](b)
		if len(b.heard) < 100 {
			t.Errorf("%d packets of the tutor were heard", len(b.heard))
		}
	})
	t.Run("lets the learner speak in", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: byLevel}))
		b.send(`{"type":"response.create"}`)
		until[realtime.OutputAudioStarted](b)
		b.microphone("testdata/learner/cafe-1-a.ogg")
		until[realtime.SpeechStarted](b)
		until[realtime.OutputAudioCleared](b)
		done, _ := until[realtime.ResponseDone](b)
		if done.Status != "cancelled" || done.Reason != "turn_detected" {
			t.Errorf("response: %+v", done)
		}
		if cut, _ := until[realtime.Truncated](b); cut.ItemID != done.Items[0].ID {
			t.Errorf("truncated: %+v", cut)
		}
	})
	t.Run("refuses to commit nothing and goes on", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: realtime.TurnDetection{Mode: realtime.TurnsByHand}}))
		b.send(`{"type":"input_audio_buffer.commit"}`)
		if refused, _ := until[realtime.ProviderError](b); refused.Code != "input_audio_buffer_commit_empty" {
			t.Errorf("refused: %+v", refused)
		}
		b.send(`{"type":"response.create"}`)
		until[realtime.ResponseDone](b)
	})
	t.Run("ends when it is hung up, and a second time it is long over", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
		b.await(b.closed)
		response, body := post(t, p.url+"/v1/realtime/calls/"+b.callID()+"/hangup", key, "application/json", "")
		if response.StatusCode != http.StatusNotFound || !strings.Contains(body, "call_id_not_found") {
			t.Errorf("%d: %s", response.StatusCode, body)
		}
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
	})
	t.Run("ends at its limit", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{EndAfter: time.Second}})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		if told, _ := until[realtime.ProviderError](b); told.Code != "session_expired" {
			t.Errorf("told: %+v", told)
		}
		b.await(b.closed)
	})
	t.Run("is forgotten when the browser leaves", func(t *testing.T) {
		p := setup(t, partner.Config{MaxCalls: 1})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		full, _ := post(t, p.url+"/v1/realtime/calls", p.mint(t, realtime.MintRequest{}).Value.Reveal(), "application/sdp", newBrowser(t).offer())
		if full.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a call too many: %d", full.StatusCode)
		}
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
		call(t, p.mint(t, realtime.MintRequest{}))
	})
	t.Run("sends what nobody knows, when told", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{UnknownEvents: true}})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		b.send(`{"type":"response.create"}`)
		until[realtime.ResponseDone](b)
		until[realtime.Unknown](b)
	})
}

func TestToken(t *testing.T) {
	refused := func(t *testing.T, p place, token string) bool {
		t.Helper()
		response, _ := post(t, p.url+"/v1/realtime/calls", token, "application/sdp", newBrowser(t).offer())
		return response.StatusCode == http.StatusUnauthorized
	}
	t.Run("opens one call and no second", func(t *testing.T) {
		p := setup(t, partner.Config{})
		token := p.mint(t, realtime.MintRequest{})
		call(t, token)
		if !refused(t, p, token.Value.Reveal()) {
			t.Error("it opened a second")
		}
	})
	t.Run("must be one of ours", func(t *testing.T) {
		p := setup(t, partner.Config{})
		if !refused(t, p, "ek_other") || !refused(t, p, key) || !refused(t, p, "") {
			t.Error("a stranger got in")
		}
	})
	for age, expired := range map[time.Duration]bool{59 * time.Second: false, 60 * time.Second: true} {
		t.Run("of 60 s, after "+age.String(), func(t *testing.T) {
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			p := setup(t, partner.Config{Now: func() time.Time { return now }})
			token := p.mint(t, realtime.MintRequest{TTL: time.Minute})
			now = now.Add(age)
			if got := refused(t, p, token.Value.Reveal()); got != expired {
				t.Errorf("refused: %v", got)
			}
		})
	}
}

func TestMint(t *testing.T) {
	t.Run("asks for the key", func(t *testing.T) {
		p := setup(t, partner.Config{})
		response, _ := post(t, p.url+"/v1/realtime/client_secrets", "other", "application/json", `{}`)
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d", response.StatusCode)
		}
	})
	for body, want := range map[string]int{
		`{}`: 200, ``: 400, `[]`: 400, `{"session":{"type":"transcription"}}`: 400,
		`{"expires_after":{"seconds":9}}`: 400, `{"expires_after":{"seconds":10}}`: 200,
		`{"expires_after":{"seconds":7200}}`: 200, `{"expires_after":{"seconds":7201}}`: 400,
	} {
		t.Run("of "+body, func(t *testing.T) {
			p := setup(t, partner.Config{})
			response, answer := post(t, p.url+"/v1/realtime/client_secrets", key, "application/json", body)
			if response.StatusCode != want || !json.Valid([]byte(answer)) {
				t.Errorf("%d: %s", response.StatusCode, answer)
			}
		})
	}
	t.Run("fails when told", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{MintStatus: http.StatusUnauthorized}})
		_, err := p.client.Mint(t.Context(), realtime.MintRequest{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.Class != realtime.ClassKey {
			t.Errorf("got %v", err)
		}
	})
	t.Run("is slow when told, and lets go of who left", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{MintDelay: time.Hour}})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.client.Mint(ctx, realtime.MintRequest{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCallsRoute(t *testing.T) {
	p := setup(t, partner.Config{})
	calls := p.url + "/v1/realtime/calls"
	t.Run("shows the page where its call is", func(t *testing.T) {
		response, answer := post(t, calls, p.mint(t, realtime.MintRequest{}).Value.Reveal(), "application/sdp", newBrowser(t).offer())
		header := response.Header
		if header.Get("Access-Control-Allow-Origin") != origin || header.Get("Access-Control-Expose-Headers") != "Location" ||
			!strings.HasPrefix(header.Get("Location"), "/v1/realtime/calls/rtc_") || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") ||
			!strings.Contains(answer, "a=candidate:") {
			t.Errorf("%v\n%s", header, answer)
		}
	})
	t.Run("refuses what is no offer", func(t *testing.T) {
		for kind, want := range map[string]int{"application/sdp": 400, "application/json": 415} {
			response, _ := post(t, calls, p.mint(t, realtime.MintRequest{}).Value.Reveal(), kind, "v=0")
			if response.StatusCode != want {
				t.Errorf("%s: %d", kind, response.StatusCode)
			}
		}
	})
	for from, allowed := range map[string]bool{origin: true, "http://evil.example": false} {
		t.Run("preflight from "+from, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, calls, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Origin", from)
			request.Close = true
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if got := response.Header.Get("Access-Control-Allow-Headers") != ""; got != allowed || response.StatusCode != http.StatusNoContent {
				t.Errorf("allowed: %v, %d", got, response.StatusCode)
			}
		})
	}
}

func TestOpenFailsWhenTheAddressIsTaken(t *testing.T) {
	var listen net.ListenConfig
	taken, err := listen.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	p := partner.New(partner.Config{UDPAddr: taken.LocalAddr().String(), Now: time.Now, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler)})
	if err := p.Open(t.Context()); err == nil {
		t.Error("it opened")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
