package partner_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

// states follows the browser's connection.
func (b *browser) states() <-chan webrtc.PeerConnectionState {
	states := make(chan webrtc.PeerConnectionState, 10)
	b.peer.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { states <- s })
	return states
}

func (b *browser) becomes(states <-chan webrtc.PeerConnectionState, want webrtc.PeerConnectionState) {
	b.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case state := <-states:
			if state == want {
				return
			}
		case <-late.C:
			b.t.Fatalf("it does not become %s", want)
		}
	}
}

func TestFaultsOfMinting(t *testing.T) {
	for fault, want := range map[partner.MintFault]realtime.Class{
		partner.MintQuota: realtime.ClassQuota, partner.MintKey: realtime.ClassKey, partner.MintModelGone: realtime.ClassModelGone,
		partner.MintRate: realtime.ClassRate, partner.MintServer: realtime.ClassUnknown, partner.MintNetwork: realtime.ClassNetwork,
	} {
		t.Run(string(fault), func(t *testing.T) {
			p := setup(t, partner.Config{Faults: partner.Faults{Mint: fault}})
			_, err := p.client.Mint(t.Context(), realtime.MintRequest{})
			var failure *realtime.Error
			if !errors.As(err, &failure) || failure.Class != want {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("only after so many", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{Mint: partner.MintQuota, MintAfter: 1}})
		p.mint(t, realtime.MintRequest{})
		if _, err := p.client.Mint(t.Context(), realtime.MintRequest{}); err == nil {
			t.Error("a second was minted")
		}
	})
}

func TestFaultsOfTokens(t *testing.T) {
	offer := func(t *testing.T, p place, token realtime.Token) int {
		t.Helper()
		response, _ := post(t, p.url+"/v1/realtime/calls", token.Value.Reveal(), "application/sdp", newBrowser(t).offer())
		return response.StatusCode
	}
	t.Run("they expire before they say", func(t *testing.T) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		p := setup(t, partner.Config{Now: func() time.Time { return now }, Faults: partner.Faults{TokenLife: time.Second}})
		token := p.mint(t, realtime.MintRequest{TTL: time.Minute})
		now = now.Add(time.Second)
		if status := offer(t, p, token); status != http.StatusUnauthorized || !token.ExpiresAt.After(now) {
			t.Errorf("%d, stated %v", status, token.ExpiresAt)
		}
	})
	t.Run("they are refused although they are good", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{OfferRefusals: 1}})
		token := p.mint(t, realtime.MintRequest{})
		if first, second := offer(t, p, token), offer(t, p, token); first != http.StatusUnauthorized || second != http.StatusCreated {
			t.Errorf("%d, then %d", first, second)
		}
	})
}

func TestRehearsal(t *testing.T) {
	set := func(t *testing.T, p place, key, faults string) int {
		t.Helper()
		return put(t, p.url+"/v1/faults", key, faults)
	}
	t.Run("changes what is minted from then on, and nothing before", func(t *testing.T) {
		p := setup(t, partner.Config{Rehearsal: true})
		before := p.mint(t, realtime.MintRequest{})
		if status := set(t, p, key, `{"end_after":"300ms","end":"close"}`); status != http.StatusNoContent {
			t.Fatal(status)
		}
		with := p.mint(t, realtime.MintRequest{})
		if status := set(t, p, key, `{}`); status != http.StatusNoContent {
			t.Fatal(status)
		}
		b := call(t, with)
		b.await(b.closed)
		for _, token := range []realtime.Token{before, p.mint(t, realtime.MintRequest{})} {
			described, _ := until[realtime.SessionDescribed](call(t, token))
			if time.Until(described.ExpiresAt) < time.Minute {
				t.Errorf("it ends at %v", described.ExpiresAt)
			}
		}
	})
	t.Run("asks for the key", func(t *testing.T) {
		p := setup(t, partner.Config{Rehearsal: true})
		if status := set(t, p, "other", `{}`); status != http.StatusUnauthorized {
			t.Error(status)
		}
	})
	t.Run("refuses faults that it does not know", func(t *testing.T) {
		p := setup(t, partner.Config{Rehearsal: true})
		if status := set(t, p, key, `{"mint":"x"}`); status != http.StatusBadRequest {
			t.Error(status)
		}
	})
	t.Run("is not there unless it is asked for", func(t *testing.T) {
		p := setup(t, partner.Config{})
		if status := set(t, p, key, `{}`); status != http.StatusNotFound {
			t.Error(status)
		}
	})
}

func TestCut(t *testing.T) {
	t.Run("heals by itself", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{CutAfter: 200 * time.Millisecond, CutFor: 2 * time.Second}})
		b := newBrowser(t)
		states := b.states()
		b.connect(p.mint(t, realtime.MintRequest{}))
		b.becomes(states, webrtc.PeerConnectionStateDisconnected)
		b.becomes(states, webrtc.PeerConnectionStateConnected)
		b.send(`{"type":"response.create"}`)
		until[realtime.ResponseDone](b)
	})
	t.Run("tells nobody when it is for good", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{EndAfter: 300 * time.Millisecond, End: partner.EndCut}})
		b := newBrowser(t)
		states := b.states()
		b.connect(p.mint(t, realtime.MintRequest{}))
		b.becomes(states, webrtc.PeerConnectionStateDisconnected)
		select {
		case <-b.closed:
			t.Error("the channel was closed")
		default:
		}
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil { // and the server can still hang up
			t.Error(err)
		}
	})
}

func TestFaultsOfTheEnd(t *testing.T) {
	t.Run("without a word", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{EndAfter: 300 * time.Millisecond, End: partner.EndClose}})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		b.await(b.closed)
		for len(b.events) > 0 {
			if event := <-b.events; event.Type == "error" {
				t.Errorf("it said %+v", event.Body)
			}
		}
	})
	t.Run("connected, but nobody there", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{EndAfter: 300 * time.Millisecond, End: partner.EndSilence}})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		b.send(`{"type":"response.create"}`)
		until[realtime.OutputAudioStarted](b)
		for range 40 { // the first packets of a line, then silence for good
			<-b.packets
		}
		for len(b.heard) > 0 {
			<-b.heard
		}
		for range 50 {
			<-b.packets
		}
		if len(b.heard) > 0 {
			t.Error("the tutor is still heard")
		}
	})
}
