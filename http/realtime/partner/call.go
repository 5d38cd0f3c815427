package partner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// eventsLabel is the data channel that the browser opens.
	eventsLabel = "oai-events"
	// connectWithin is how long an answered call may take to connect.
	connectWithin = 30 * time.Second
	// lingering lets the last events of a call get out before it ends.
	lingering = 500 * time.Millisecond
	// maxBacklog is how much may wait for a client that does not read, in
	// bytes; more ends its call.
	maxBacklog = 1 << 20
	// catchUp is how many steps are made up for after a stall; the time
	// beyond them is lost, as packets would be.
	catchUp = 10
)

// call is one WebRTC connection. Its callbacks only pass on what comes; one
// goroutine, run, owns the conversation.
type call struct {
	id    string
	limit time.Duration
	log   *slog.Logger
	peer  *webrtc.PeerConnection
	track *webrtc.TrackLocalStaticRTP
	ear   *ear
	talk  *conversation

	faults Faults
	line   *line

	channel   chan *webrtc.DataChannel
	messages  chan []byte
	packets   chan *rtp.Packet
	sidebands chan *sideband
	over      chan struct{} // closed by end
	silent    chan struct{} // closed when nothing more is emitted
	once      sync.Once

	// The loop's own:
	events    *webrtc.DataChannel // once open
	header    rtp.Header
	listening []*sideband
	joined    bool     // the first sideband has come
	severed   []string // addresses that are cut off
}

// newCall makes a call that is not connected to anyone yet.
func (p *Partner) newCall(granted grant) (*call, error) {
	id, err := newID(p.config.Random, "rtc")
	if err != nil {
		return nil, err
	}
	listener, err := newEar()
	if err != nil {
		return nil, err
	}
	peer, err := p.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("partner: make a connection: %w", err)
	}
	c := &call{
		id: id, limit: p.config.CallLimit, log: p.config.Logger.With("call", id), peer: peer, ear: listener,
		faults: granted.faults, line: p.line,
		channel:  make(chan *webrtc.DataChannel, 1),
		messages: make(chan []byte, 16), packets: make(chan *rtp.Packet, 16), sidebands: make(chan *sideband),
		over: make(chan struct{}), silent: make(chan struct{}),
	}
	if c.faults.EndAfter > 0 {
		c.limit = c.faults.EndAfter
	}
	granted.session.ExpiresAt = p.config.Now().Add(c.limit).Unix()
	c.talk = p.newConversation(granted, c.send)
	if err := c.listen(); err != nil {
		c.abandon()
		return nil, err
	}
	return c, nil
}

// newConversation makes the conversation of a call. The ids within it only
// need to differ, so they are counted behind the session's random id.
func (p *Partner) newConversation(granted grant, send func([]byte)) *conversation {
	settings, language, topic, count := granted.session, "", "", 0
	if t := settings.Audio.Input.Transcription; t != nil {
		language = t.Language
	}
	if settings.Prompt != nil {
		topic = settings.Prompt.ID
	}
	_, base, _ := strings.Cut(settings.ID, "_")
	return &conversation{
		id: "conv_" + base, session: settings, apart: map[string]*response{}, lesson: lesson{script: p.library.script(topic, language)},
		voices: p.library.voices, faults: granted.faults, send: send,
		newID: func(prefix string) string {
			count++
			return fmt.Sprintf("%s_%s%05d", prefix, base, count)
		},
	}
}

// listen sets up what the peer will hear and whom it tells.
func (c *call) listen() error {
	var err error
	if c.track, err = webrtc.NewTrackLocalStaticRTP(opusCapability(), "audio", "realtimeapi"); err != nil {
		return fmt.Errorf("partner: make the tutor's track: %w", err)
	}
	sender, err := c.peer.AddTrack(c.track)
	if err != nil {
		return fmt.Errorf("partner: add the tutor's track: %w", err)
	}
	go drain(sender)
	c.peer.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.hear(remote) })
	c.peer.OnDataChannel(c.join)
	c.peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed || state == webrtc.PeerConnectionStateClosed {
			c.end()
		}
	})
	return nil
}

// drain reads the reports about the tutor's track, which keeps them flowing
// to the interceptors; it ends with the connection.
func drain(sender *webrtc.RTPSender) {
	for {
		if _, _, err := sender.ReadRTCP(); err != nil {
			return
		}
	}
}

// hear passes the learner's packets on.
func (c *call) hear(remote *webrtc.TrackRemote) {
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return // the connection has ended
		}
		select {
		case c.packets <- packet:
		case <-c.over:
			return
		}
	}
}

// join takes the channel for events; others are left alone.
func (c *call) join(channel *webrtc.DataChannel) {
	if channel.Label() != eventsLabel {
		return
	}
	channel.OnOpen(func() {
		select {
		case c.channel <- channel:
		default: // a second one of that name
		}
	})
	channel.OnClose(c.end)
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		select {
		case c.messages <- message.Data:
		case <-c.over:
		}
	})
}

// negotiate answers an offer, with all candidates in the answer.
func (c *call) negotiate(ctx context.Context, offer string) (string, error) {
	err := c.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return "", fmt.Errorf("take the offer: %w", err)
	}
	answer, err := c.peer.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("make an answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(c.peer)
	if err := c.peer.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("take the answer: %w", err)
	}
	select {
	case <-gathered:
		return c.peer.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", ctx.Err())
	}
}

// end lets run come to its end. Safe from anywhere, any number of times.
func (c *call) end() { c.once.Do(func() { close(c.over) }) }

// abandon closes a call that does not run (any more).
func (c *call) abandon() {
	c.end()
	close(c.silent)
	if err := c.peer.GracefulClose(); err != nil {
		c.log.Debug("partner: close", "err", err)
	}
	c.line.mend(c.severed)
}

// run serves an admitted call in the background until it ends.
func (p *Partner) run(c *call) {
	go func() {
		defer p.running.Done()
		c.log.Info("partner: call answered")
		if err := c.serve(p.context); err != nil {
			c.log.Info("partner: call", "err", err)
		}
		p.take(c.id)
		c.abandon()
		c.log.Info("partner: call over")
	}()
}

// serve waits for the events channel and then talks.
func (c *call) serve(ctx context.Context) error {
	patience := time.NewTimer(connectWithin)
	defer patience.Stop()
	select {
	case c.events = <-c.channel:
	case <-c.over:
		return nil
	case <-ctx.Done():
		return nil
	case <-patience.C:
		return errors.New("did not connect in time")
	}
	c.talk.open()
	c.plan()
	limit := time.NewTimer(c.limit)
	defer limit.Stop()
	pace := time.NewTicker(frame)
	defer pace.Stop()
	return c.loop(ctx, limit.C, pace.C)
}

// loop is where everything of a call comes together, one thing at a time.
func (c *call) loop(ctx context.Context, limit, pace <-chan time.Time) error {
	var last time.Time // that steps were made up to
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.over:
			return nil
		case <-limit:
			c.expire()
		case s := <-c.sidebands:
			c.admit(s)
		case message := <-c.messages:
			c.talk.receive(message)
		case packet := <-c.packets:
			c.listenTo(packet)
		case now := <-pace:
			if last.IsZero() {
				last = now.Add(-frame)
			}
			steps := int(now.Sub(last) / frame)
			last = last.Add(time.Duration(steps) * frame)
			if err := c.say(steps); err != nil {
				return err
			}
		}
	}
}

func (c *call) listenTo(packet *rtp.Packet) {
	if len(packet.Payload) == 0 {
		return // padding
	}
	heard, err := c.ear.listen(packet)
	if err != nil {
		c.log.Debug("partner: packet not understood", "err", err)
		return
	}
	c.talk.hear(heard)
}

// say makes the steps that are due and sends their packets.
func (c *call) say(steps int) error {
	if skipped := steps - catchUp; skipped > 0 {
		c.header.Timestamp += uint32(skipped) * samplesPerFrame
		steps = catchUp
	}
	for range steps {
		c.header.Version = 2
		c.header.SequenceNumber++
		c.header.Timestamp += samplesPerFrame
		packet := rtp.Packet{Header: c.header, Payload: c.talk.step()}
		if err := c.track.WriteRTP(&packet); err != nil {
			return fmt.Errorf("say: %w", err)
		}
	}
	if c.events.BufferedAmount() > maxBacklog {
		return errors.New("the client does not read its events")
	}
	return nil
}

// samplesPerFrame is by how much RTP's clock for Opus moves in one frame.
const samplesPerFrame = uint32(rtpRate * frame / time.Second)

// send puts one event on the channel, and on the sidebands.
func (c *call) send(raw []byte) {
	c.whisper(raw)
	if err := c.events.SendText(string(raw)); err != nil {
		c.log.Debug("partner: event not delivered", "err", err)
		c.end()
	}
}
