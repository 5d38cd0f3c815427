package jetstream

import (
	"bytes"
	"testing"
)

func TestBodyPartsAgain(t *testing.T) {
	for name, c := range map[string]struct {
		clear  string
		sealed []byte
		want   string
	}{
		"nothing sealed":                 {`{"a":1}`, nil, `{"a":1}`},
		"an empty object":                {`{}`, nil, `{}`},
		"a sealed part":                  {`{"a":1}`, []byte{0xff, 0xfe}, `{"a":1,"sealed":"//4="}`},
		"a sealed part alone":            {`{}`, []byte{1, 2, 3}, `{"sealed":"AQID"}`},
		"a text that speaks of seals":    {`{"a":"\"sealed\":\"AQID"}`, nil, `{"a":"\"sealed\":\"AQID"}`},
		"a member within a member":       {`{"a":{"sealed":"AQID"}}`, nil, `{"a":{"sealed":"AQID"}}`},
		"a text with a comma at the end": {`{"a":","}`, []byte{1, 2, 3}, `{"a":",","sealed":"AQID"}`},
	} {
		t.Run(name, func(t *testing.T) {
			body := joinBody([]byte(c.clear), c.sealed)
			if string(body) != c.want {
				t.Fatalf("joined to %s, want %s", body, c.want)
			}
			clear, sealed, err := splitBody(body)
			if err != nil || string(clear) != c.clear || !bytes.Equal(sealed, c.sealed) {
				t.Errorf("parted to %s and %x, %v", clear, sealed, err)
			}
			if string(body) != c.want {
				t.Errorf("parting changed the body to %s", body)
			}
		})
	}
}

func TestBodyOfNoUse(t *testing.T) {
	for _, body := range []string{"", "}", `"}`, `"sealed":"`, `sealed":"AQID"}`, `{"sealed":"AQID"`} {
		if clear, sealed, err := splitBody([]byte(body)); err != nil || sealed != nil || string(clear) != body {
			t.Errorf("%q was parted to %q and %x, %v", body, clear, sealed, err)
		}
	}
}
