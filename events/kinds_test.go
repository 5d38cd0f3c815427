package events_test

import (
	"testing"

	"parley/events"
)

func TestDecodeBody(t *testing.T) {
	good := `{"call":2,"expires_at":"2026-11-22T12:00:00Z","mint_ms":183}`
	for name, clear := range map[string]string{
		"an unknown member":         `{"call":2,"shade":"blue"}`,
		"another type":              `{"call":"two"}`,
		"cut short":                 good[:len(good)-1],
		"a second object behind it": good + good,
		"a bracket behind it":       good + "}",
		"nothing":                   "",
	} {
		t.Run(name+" is refused, and the next body is read", func(t *testing.T) {
			if _, err := events.DecodeBody(events.KindTokenIssued, []byte(clear)); events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("got %v, want %s", err, events.CodeInvalid)
			}
			body, err := events.DecodeBody(events.KindTokenIssued, []byte(good))
			if err != nil || body.(*events.TokenIssued).MintMS != 183 {
				t.Errorf("then got %+v, %v", body, err)
			}
		})
	}
}
