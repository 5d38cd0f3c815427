package events_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/events"
)

// Three versions of a kind that there never was: seconds, then milliseconds, then
// milliseconds of a call.
type (
	hummedV1 struct {
		Seconds int    `json:"seconds"`
		private melody // lost when it is erased
	}
	hummedV2 struct {
		MS      int64 `json:"ms"`
		private melody
	}
	hummed struct {
		Call   int    `json:"call"`
		MS     int64  `json:"ms"`
		Melody string `json:"melody"`
	}
	melody struct {
		Notes string `json:"notes,omitempty"`
	}
)

const hummedKind events.Kind = "hummed"

func (*hummedV1) Kind() events.Kind     { return hummedKind }
func (b *hummedV1) Sealed() any         { return &b.private }
func (b *hummedV1) Upcast() events.Body { return &hummedV2{int64(b.Seconds) * 1000, b.private} }

func (*hummedV2) Kind() events.Kind     { return hummedKind + ".v2" }
func (b *hummedV2) Sealed() any         { return &b.private }
func (b *hummedV2) Upcast() events.Body { return &hummed{1, b.MS, b.private.Notes} }

func (*hummed) Kind() events.Kind { return hummedKind + ".v3" }

func TestVersions(t *testing.T) {
	events.Know(t, hummedKind, func() events.Body { return new(hummedV1) })
	events.Know(t, hummedKind+".v2", func() events.Body { return new(hummedV2) })
	events.Know(t, hummedKind+".v3", func() events.Body { return new(hummed) })
	t.Run("each has a type of its own, which is read back", func(t *testing.T) {
		for ceType, b := range map[string]events.Body{
			"parley.hummed.v1": &hummedV1{}, "parley.hummed.v2": &hummedV2{}, "parley.hummed.v3": &hummed{},
		} {
			kind, known := events.KindOfType(ceType)
			if b.Kind().Type() != ceType || kind != b.Kind() || !known {
				t.Errorf("%s: %s, %s, %t", ceType, b.Kind().Type(), kind, known)
			}
		}
	})
	t.Run("others are not known", func(t *testing.T) {
		for _, ceType := range []string{"parley.hummed", "parley.hummed.v4", "parley.hummed.v2.v1", "parley.hummed.v1.v1", "hummed.v1", ""} {
			if kind, known := events.KindOfType(ceType); known {
				t.Errorf("%q is read as %s", ceType, kind)
			}
		}
	})
	for _, test := range []struct {
		name           string
		kind           events.Kind
		clear, private string
		want           events.Body
	}{
		{"of the first goes through all that follow", hummedKind, `{"seconds":3}`, `{"notes":"fa la"}`, &hummed{1, 3000, "fa la"}},
		{"of the second goes through one", hummedKind + ".v2", `{"ms":4}`, `{"notes":"la"}`, &hummed{1, 4, "la"}},
		{"that lost its sealed part says the rest", hummedKind, `{"seconds":3}`, "", &hummed{1, 3000, ""}},
		{"of today stays", hummedKind + ".v3", `{"call":2,"ms":5,"melody":"do"}`, "", &hummed{2, 5, "do"}},
	} {
		t.Run("an event "+test.name, func(t *testing.T) {
			body, err := events.DecodeBody(test.kind, []byte(test.clear))
			if err != nil {
				t.Fatal(err)
			}
			if test.private != "" {
				if err := events.DecodePrivate(body.(events.Sealable), []byte(test.private)); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, events.Current(body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
