package partner_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

const mark = "mark-0123456789"

// listener is a receiver that keeps what it hears.
type listener struct {
	events chan realtime.Event
	fail   error
}

func (l listener) Hear(_ context.Context, event realtime.Event) error {
	l.events <- event
	return l.fail
}

// overhear listens to a call; the channel gives what Listen returned.
func overhear(t *testing.T, p place, call realtime.Call) (listener, <-chan error) {
	t.Helper()
	l, ended := listener{events: make(chan realtime.Event, 1000)}, make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	t.Cleanup(func() { cancel(); <-stopped })
	go func() {
		defer close(stopped)
		ended <- p.client.Listen(ctx, call, l)
	}()
	return l, ended
}

// await gives the first event of that type, and the types before it.
func (l listener) await(t *testing.T, kind string) (realtime.Event, []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var before []string
	for {
		select {
		case event := <-l.events:
			if event.Type == kind {
				return event, before
			}
			before = append(before, event.Type)
		case <-ctx.Done():
			t.Fatalf("no %s, only %v", kind, before)
		}
	}
}

func endOf(t *testing.T, ended <-chan error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		t.Fatal("it does not end")
		return nil
	}
}

func TestSideband(t *testing.T) {
	t.Run("hears what the browser hears, until the call is hung up", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: byLevel, Mark: mark}))
		until[realtime.SessionDescribed](b)
		l, ended := overhear(t, p, realtime.Call{ID: b.callID(), Mark: mark})
		shown, before := l.await(t, "session.updated")
		if len(before) > 0 || shown.Body.(realtime.SessionDescribed).Mark != mark {
			t.Errorf("%+v after %v", shown, before)
		}
		b.send(`{"type":"response.create"}`)
		theirs, _ := until[realtime.ResponseDone](b)
		done, before := l.await(t, "response.done")
		if ours := done.Body.(realtime.ResponseDone); ours.ResponseID != theirs.ResponseID || ours.Usage == nil || len(ours.Items[0].Parts) == 0 {
			t.Errorf("%+v, not %+v", ours, theirs)
		}
		if slices.Contains(before, "session.created") {
			t.Errorf("it was sent session.created: %v", before)
		}
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
		if err := endOf(t, ended); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("goes on when its connection breaks", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{SidebandDrop: 3}})
		b := call(t, p.mint(t, realtime.MintRequest{Mark: mark}))
		l, _ := overhear(t, p, realtime.Call{ID: b.callID(), Mark: mark})
		l.await(t, "session.updated")
		b.send(`{"type":"response.create"}`) // the third of its events breaks it
		l.await(t, "session.updated")
		until[realtime.ResponseDone](b)
		b.send(`{"type":"response.create"}`)
		second, _ := until[realtime.ResponseDone](b)
		for {
			done, _ := l.await(t, "response.done")
			if done.Body.(realtime.ResponseDone).ResponseID == second.ResponseID {
				break
			}
		}
	})
	t.Run("is over when the browser leaves", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Mark: mark}))
		l, ended := overhear(t, p, realtime.Call{ID: b.callID(), Mark: mark})
		l.await(t, "session.updated")
		if err := b.peer.GracefulClose(); err != nil {
			t.Fatal(err)
		}
		if err := endOf(t, ended); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("is over when there is no such call", func(t *testing.T) {
		p := setup(t, partner.Config{})
		_, ended := overhear(t, p, realtime.Call{ID: "rtc_none", Mark: mark})
		if err := endOf(t, ended); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("hears all of what comes before the end", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{EndAfter: 2 * time.Second}})
		b := call(t, p.mint(t, realtime.MintRequest{Mark: mark}))
		l, ended := overhear(t, p, realtime.Call{ID: b.callID(), Mark: mark})
		told, _ := l.await(t, "error")
		if told.Body.(realtime.ProviderError).Code != "session_expired" {
			t.Errorf("%+v", told)
		}
		if err := endOf(t, ended); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestSidebandIsNotBelieved(t *testing.T) {
	t.Run("when the call is somebody else's", func(t *testing.T) {
		p := setup(t, partner.Config{})
		theirs := call(t, p.mint(t, realtime.MintRequest{Mark: "mark-of-another"}))
		l, ended := overhear(t, p, realtime.Call{ID: theirs.callID(), Mark: mark})
		if err := endOf(t, ended); !errors.Is(err, realtime.ErrNotOurs) || len(l.events) > 0 {
			t.Errorf("ended with %v after %d events", err, len(l.events))
		}
	})
	t.Run("when the call has no mark", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		_, ended := overhear(t, p, realtime.Call{ID: b.callID(), Mark: mark})
		if err := endOf(t, ended); !errors.Is(err, realtime.ErrNotOurs) {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("when nobody knows which mark to look for", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		_, ended := overhear(t, p, realtime.Call{ID: b.callID()})
		if err := endOf(t, ended); !errors.Is(err, realtime.ErrNotOurs) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestSidebandEnds(t *testing.T) {
	t.Run("with the receiver's own error", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Mark: mark}))
		full := errors.New("the log cannot be reached")
		err := p.client.Listen(t.Context(), realtime.Call{ID: b.callID(), Mark: mark}, listener{make(chan realtime.Event, 1), full})
		if !errors.Is(err, full) {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("when we leave", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Mark: mark}))
		ctx, leave := context.WithCancel(t.Context())
		l := listener{events: make(chan realtime.Event, 100)}
		ended := make(chan error, 1)
		go func() { ended <- p.client.Listen(ctx, realtime.Call{ID: b.callID(), Mark: mark}, l) }()
		l.await(t, "session.updated")
		leave()
		if err := endOf(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("when the key is wrong", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Mark: mark}))
		stranger := realtime.New(realtime.Config{BaseURL: p.url + "/v1", APIKey: "other"})
		err := stranger.Listen(t.Context(), realtime.Call{ID: b.callID(), Mark: mark}, listener{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.Class != realtime.ClassKey {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("when nobody answers for long", func(t *testing.T) {
		client := realtime.New(realtime.Config{BaseURL: "http://127.0.0.1:1/v1", APIKey: key, Backoff: time.Millisecond})
		err := client.Listen(t.Context(), realtime.Call{ID: "rtc_1", Mark: mark}, listener{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.Class != realtime.ClassNetwork {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("where there is none", func(t *testing.T) {
		err := realtime.New(realtime.Config{Dialect: realtime.DialectLocalAI}).Listen(t.Context(), realtime.Call{ID: "s", Mark: mark}, listener{})
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("ended with %v", err)
		}
	})
}

// dial opens a sideband as any client of the protocol may.
func dial(t *testing.T, p place, callID string) *websocket.Conn {
	t.Helper()
	header := map[string][]string{"Authorization": {"Bearer " + key}}
	socket, _, err := websocket.Dial(t.Context(), strings.Replace(p.url, "http", "ws", 1)+"/v1/realtime?call_id="+callID,
		&websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.CloseNow() })
	return socket
}

func TestSidebandServer(t *testing.T) {
	t.Run("takes what a client may send, and tells the browser too", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		until[realtime.SessionDescribed](b)
		socket := dial(t, p, b.callID())
		if err := socket.Write(t.Context(), websocket.MessageText, []byte(`{"type":"response.create"}`)); err != nil {
			t.Fatal(err)
		}
		until[realtime.ResponseCreated](b)
	})
	t.Run("takes sound, which the browser's call hears", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: byLevel}))
		until[realtime.SessionDescribed](b)
		socket := dial(t, p, b.callID())
		say := func(sample byte) { // a second of it
			sound := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0, sample}, 24000))
			event := []byte(`{"type":"input_audio_buffer.append","audio":"` + sound + `"}`)
			if err := socket.Write(t.Context(), websocket.MessageText, event); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			say(12)
		}
		say(0)
		begun, _ := until[realtime.SpeechStarted](b)
		over, _ := until[realtime.SpeechStopped](b)
		if *begun.AudioStartMS != 0 || *over.AudioEndMS != 3000 {
			t.Errorf("from %d to %d", *begun.AudioStartMS, *over.AudioEndMS)
		}
		if text, _ := until[realtime.TranscriptionCompleted](b); text.ItemID != begun.ItemID || !text.Prompted {
			t.Errorf("text: %+v", text)
		}
	})
	t.Run("has room for four", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		for range 4 {
			socket := dial(t, p, b.callID())
			if err := socket.Write(t.Context(), websocket.MessageText, []byte(`{"type":"session.update","session":{"type":"realtime"}}`)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := socket.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := dial(t, p, b.callID()).Read(t.Context()); err == nil {
			t.Error("a fifth was let in")
		}
	})
	t.Run("is down when the partner closes", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		socket := dial(t, p, b.callID())
		closed := make(chan error, 1)
		go func() { _, _, err := socket.Read(context.WithoutCancel(t.Context())); closed <- err }()
		if err := p.partner.Close(); err != nil {
			t.Error(err)
		}
		if endOf(t, closed) == nil {
			t.Error("it is still up")
		}
	})
}
