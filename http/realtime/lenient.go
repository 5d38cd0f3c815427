package realtime

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
)

// The types here do not mind the wrong type: a field that is not what it should be
// must cost itself only, and not the words that stand beside it.

// wireNumber takes whole numbers, and those that a provider writes as 1234.0.
type wireNumber struct {
	value int
	known bool
}

// farthest bounds what is believed: beyond it a float64 is no whole number.
const farthest = 1 << 53

// UnmarshalJSON leaves unknown what is no number.
func (n *wireNumber) UnmarshalJSON(raw []byte) error {
	var number *float64
	if json.Unmarshal(raw, &number) == nil && number != nil && math.Abs(*number) < farthest {
		*n = wireNumber{int(math.Round(*number)), true}
	}
	return nil
}

// told is nil where there was no number.
func (n wireNumber) told() *int {
	if !n.known {
		return nil
	}
	return &n.value
}

// wireWords is what somebody said. It alone is not made up for: of words that are
// no text nothing is known, and that is not the same as silence.
type wireWords struct {
	text   string
	broken bool
}

// UnmarshalJSON takes null for silence.
func (w *wireWords) UnmarshalJSON(raw []byte) error {
	w.broken = json.Unmarshal(raw, &w.text) != nil
	return nil
}

// words are trimmed: some end in a line break.
func (w wireWords) words() (string, error) {
	if w.broken {
		return "", errors.New("the words are no text")
	}
	return strings.TrimSpace(w.text), nil
}

// wireContent is the parts of an item, or, of some servers, its bare text.
type wireContent []wirePart

// UnmarshalJSON keeps each part at its place.
func (c *wireContent) UnmarshalJSON(raw []byte) error {
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		parts = []json.RawMessage{raw}
	}
	for _, raw := range parts {
		var part wirePart
		if json.Unmarshal(raw, &part.Text) != nil {
			if err := asFarAsItGoes(raw, &part); err != nil {
				return err
			}
		}
		*c = append(*c, part)
	}
	return nil
}

// asFarAsItGoes reads of an object what has the right type; encoding/json goes on
// behind a field that has not.
func asFarAsItGoes(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if odd := (*json.UnmarshalTypeError)(nil); errors.As(err, &odd) {
		return nil
	}
	return err
}
