package partner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"parley/http/realtime"
)

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
	packets  chan int // sizes of all of them
	location string
}

// newBrowser prepares a microphone and the events channel, as the page does.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICETimeouts(time.Second, patience, 200*time.Millisecond) // to notice a cut soon
	peer, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{
		t: t, peer: peer, opened: make(chan struct{}), closed: make(chan struct{}),
		events: make(chan realtime.Event, 1000), raw: make(chan []byte, 1000), heard: make(chan int, 10_000), packets: make(chan int, 10_000),
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
		b.packets <- len(packet.Payload)
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
	b.connect(token)
	return b
}

func (b *browser) connect(token realtime.Token) {
	b.t.Helper()
	t := b.t
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

// untilRaw gives the first event of that type as it came.
func (b *browser) untilRaw(kind string) map[string]any {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for {
		select {
		case raw := <-b.raw:
			var event map[string]any
			if err := json.Unmarshal(raw, &event); err != nil {
				b.t.Fatalf("%s: %v", raw, err)
			}
			if event["type"] == kind {
				return event
			}
		case <-ctx.Done():
			b.t.Fatalf("no %s", kind)
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
