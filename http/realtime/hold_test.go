package realtime_test

import (
	"encoding/json"
	"testing"

	"parley/http/realtime"
)

func TestHold(t *testing.T) {
	const detection = "audio.input.turn_detection"
	resume := func(t *testing.T, token realtime.Token) map[string]any {
		t.Helper()
		var change map[string]any
		if err := json.Unmarshal(token.Resume, &change); err != nil {
			t.Fatalf("%s: %v", token.Resume, err)
		}
		return change
	}
	t.Run("asks for no automatic answer, and gives what switches them on", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		token, err := client.Mint(t.Context(), realtime.MintRequest{Hold: true, Turns: realtime.TurnDetection{Eagerness: "low"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := at(t, (*seen)[0].body, "session."+detection+".create_response"); got != false {
			t.Errorf("asked for create_response %v", got)
		}
		change := resume(t, token)
		if at(t, change, detection+".create_response") != true || at(t, change, detection+".eagerness") != "low" || at(t, change, "type") != "realtime" {
			t.Errorf("%s", token.Resume)
		}
		if at(t, change, "instructions") != "absent" {
			t.Error("it says instructions again")
		}
	})
	t.Run("says nothing of it for a call that is not held", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		token, err := client.Mint(t.Context(), realtime.MintRequest{})
		if err != nil || token.Resume != nil || at(t, (*seen)[0].body, "session."+detection+".create_response") != "absent" {
			t.Errorf("%s, %v", token.Resume, err)
		}
	})
	t.Run("has nothing to switch on in push-to-talk", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		token, err := client.Mint(t.Context(), realtime.MintRequest{Hold: true, Turns: realtime.TurnDetection{Mode: realtime.TurnsByHand}})
		if err != nil || token.Resume != nil || at(t, (*seen)[0].body, "session."+detection) != nil {
			t.Errorf("%s, %v", token.Resume, err)
		}
	})
	t.Run("holds against the operator's own parameters", func(t *testing.T) {
		own := json.RawMessage(`{"audio":{"input":{"turn_detection":{"create_response":true,"threshold":0.7}}}}`)
		client, seen := provider(t, realtime.Config{Session: own}, answer{status: 200, body: minted})
		token, err := client.Mint(t.Context(), realtime.MintRequest{Hold: true})
		if err != nil {
			t.Fatal(err)
		}
		if at(t, (*seen)[0].body, "session."+detection+".create_response") != false || at(t, resume(t, token), detection+".threshold") != 0.7 {
			t.Errorf("%s", token.Resume)
		}
	})
	t.Run("speaks the beta's shape where the provider does", func(t *testing.T) {
		token, err := realtime.New(realtime.Config{Dialect: realtime.DialectSpeaches}).Mint(t.Context(), realtime.MintRequest{Hold: true})
		if err != nil {
			t.Fatal(err)
		}
		var asked map[string]any
		if err := json.Unmarshal(token.Session, &asked); err != nil {
			t.Fatal(err)
		}
		if at(t, asked, "turn_detection.create_response") != false || at(t, resume(t, token), "turn_detection.create_response") != true {
			t.Errorf("%s, %s", token.Session, token.Resume)
		}
	})
}
