// Package partnertest calls a partner as a browser does, for tests of whatever
// stands beside the call.
package partnertest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// Caller is the browser's end of a call, with a microphone that nobody speaks
// into.
type Caller struct {
	// ID is the provider's id of the call.
	ID string
	// Closed is closed when the events' channel is.
	Closed <-chan struct{}

	t       testing.TB
	peer    *webrtc.PeerConnection
	channel *webrtc.DataChannel
	events  chan []byte
}

// Dial opens a call with a token and waits until it is up. It is closed with the
// test.
func Dial(t testing.TB, callsURL, token string) *Caller {
	t.Helper()
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	peer, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	c := &Caller{t: t, peer: peer, events: make(chan []byte, 10_000)}
	t.Cleanup(c.Close)
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	microphone, err := webrtc.NewTrackLocalStaticSample(opus, "microphone", "learner")
	must(t, err)
	_, err = peer.AddTrack(microphone)
	must(t, err)
	c.channel, err = peer.CreateDataChannel("oai-events", nil)
	must(t, err)
	opened, closed := make(chan struct{}), make(chan struct{})
	c.channel.OnOpen(func() { close(opened) })
	c.channel.OnClose(func() { close(closed) })
	c.channel.OnMessage(func(m webrtc.DataChannelMessage) { c.events <- m.Data })
	c.Closed = closed
	c.connect(callsURL, token)
	c.Wait(opened)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *Caller) connect(callsURL, token string) {
	c.t.Helper()
	offer, err := c.peer.CreateOffer(nil)
	must(c.t, err)
	gathered := webrtc.GatheringCompletePromise(c.peer)
	must(c.t, c.peer.SetLocalDescription(offer))
	<-gathered
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, callsURL, strings.NewReader(c.peer.LocalDescription().SDP))
	must(c.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/sdp")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	must(c.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(c.t, err)
	if response.StatusCode != http.StatusCreated {
		c.t.Fatalf("the call was refused: %d %s", response.StatusCode, answer)
	}
	c.ID = path.Base(response.Header.Get("Location"))
	must(c.t, c.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}))
}

// Wait waits for a signal.
func (c *Caller) Wait(signal <-chan struct{}) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	select {
	case <-signal:
	case <-ctx.Done():
		c.t.Fatal("it did not come in time")
	}
}

// Send sends a client event.
func (c *Caller) Send(event string) {
	c.t.Helper()
	must(c.t, c.channel.SendText(event))
}

// Type writes a turn of the learner's and asks for the answer.
func (c *Caller) Type(words string) {
	c.t.Helper()
	text, err := json.Marshal(words)
	must(c.t, err)
	c.Send(`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":` + string(text) + `}]}}`)
	c.Send(`{"type":"response.create"}`)
}

// Until gives what came up to the first event of a type, that one last.
func (c *Caller) Until(kind string) (events []json.RawMessage) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		select {
		case raw := <-c.events:
			events = append(events, raw)
			var e struct{ Type string }
			if err := json.Unmarshal(raw, &e); err != nil {
				c.t.Fatalf("%s: %v", raw, err)
			}
			if e.Type == kind {
				return events
			}
		case <-ctx.Done():
			c.t.Fatalf("no %s, only %s", kind, events)
		}
	}
}

// Close is the end of the tab. It may be called twice.
func (c *Caller) Close() {
	if err := c.peer.GracefulClose(); err != nil {
		c.t.Error(err)
	}
}
