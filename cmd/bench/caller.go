package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// caller is a browser's end of one call. It says back what the tutor says, so that
// the partner hears a voice, interrupts itself and answers, as in a lively
// conversation.
type caller struct {
	peer       *webrtc.PeerConnection
	microphone *webrtc.TrackLocalStaticRTP
	opened     chan struct{}

	mu    sync.Mutex
	last  time.Time       // when the last packet came
	gaps  []time.Duration // between packets, since listening began
	heard bool            // gaps are kept
}

// newCaller prepares a microphone and the channel for events, as the page does.
func newCaller() (_ *caller, err error) {
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	peer, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	c := &caller{peer: peer, opened: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if c.microphone, err = webrtc.NewTrackLocalStaticRTP(opus, "microphone", "learner"); err != nil {
		return nil, err
	}
	if _, err = peer.AddTrack(c.microphone); err != nil {
		return nil, err
	}
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.listen(track) })
	channel, err := peer.CreateDataChannel("oai-events", nil)
	if err != nil {
		return nil, err
	}
	channel.OnOpen(func() { close(c.opened) })
	return c, nil
}

// connect opens the call with its token, and returns when events can flow.
func (c *caller) connect(ctx context.Context, client *http.Client, callsURL, token string) error {
	offer, err := c.peer.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(c.peer)
	if err := c.peer.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	answer, err := post(ctx, client, callsURL, token, c.peer.LocalDescription().SDP)
	if err != nil {
		return err
	}
	if err := c.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return err
	}
	select {
	case <-c.opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// post sends the offer and gives the answer.
func post(ctx context.Context, client *http.Client, callsURL, token, offer string) (_ string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, callsURL, strings.NewReader(offer))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/sdp")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("the call was refused: %s: %s", response.Status, answer)
	}
	return string(answer), err
}

// listen notes when packets come and says them back, until the call is over.
func (c *caller) listen(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		c.note(time.Now())
		said := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: packet.SequenceNumber, Timestamp: packet.Timestamp}, Payload: packet.Payload}
		if err := c.microphone.WriteRTP(said); err != nil {
			return // closed meanwhile
		}
	}
}

func (c *caller) note(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard {
		c.gaps = append(c.gaps, now.Sub(c.last))
	}
	c.last = now
}

// attend begins to keep gaps.
func (c *caller) attend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.gaps = true, nil
}

// attended gives the gaps that were kept.
func (c *caller) attended() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = false
	return c.gaps
}

func (c *caller) close() error { return c.peer.GracefulClose() }
