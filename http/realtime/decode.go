package realtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DecodeCode says what is wrong with an event. The list is closed.
type DecodeCode string

// The closed list of decoding failures.
const (
	// DecodeNotJSON: the bytes are not one JSON object.
	DecodeNotJSON DecodeCode = "event_not_json"
	// DecodeNoType: there is no "type", or it is no name.
	DecodeNoType DecodeCode = "event_without_type"
	// DecodeBadField: words of a known event are no text, or an id is missing,
	// longer than maxID or holds control characters.
	DecodeBadField DecodeCode = "event_bad_field"
)

// maxID bounds ids and type names, in bytes. The provider's own are below 40.
const maxID = 256

// DecodeError says why an event could not be decoded. It quotes no text of
// the event.
type DecodeError struct {
	Code DecodeCode
	// Type is the event's name where it has one.
	Type string
	Err  error
}

// Error says what is wrong, for the log.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("realtime: decode %q: %s: %v", e.Type, e.Code, e.Err)
}

// Unwrap gives what lies beneath.
func (e *DecodeError) Unwrap() error { return e.Err }

// Decode reads one event as the provider sent it, under its GA or beta name.
// It is total: any bytes give an event or a *DecodeError. An event whose name
// is not known is an event, with the body Unknown. A field of the wrong type is
// as if it were not there, unless the event means nothing without it.
func Decode(raw []byte) (Event, error) {
	var wire wireEvent
	var field *json.UnmarshalTypeError
	err := json.Unmarshal(raw, &wire) // goes on behind a field of the wrong type
	switch {
	case errors.As(err, &field) && field.Field == "":
		return Event{}, &DecodeError{Code: DecodeNotJSON, Err: errors.New("not an object")}
	case errors.As(err, &field) && field.Field == "type":
		return Event{}, &DecodeError{Code: DecodeNoType, Err: errors.New("the type is no string")}
	case err != nil && field == nil:
		return Event{}, &DecodeError{Code: DecodeNotJSON, Err: err}
	case badID(wire.Type) != nil:
		return Event{}, &DecodeError{Code: DecodeNoType, Err: badID(wire.Type)}
	}
	event := Event{Type: wire.Type, ID: wire.EventID, Body: Unknown{}}
	read, known := readers[wire.Type]
	if !known {
		return event, nil
	}
	if event.Body, err = read(wire); err != nil {
		return Event{}, &DecodeError{Code: DecodeBadField, Type: wire.Type, Err: err}
	}
	return event, nil
}

// required are the ids without which an event of this kind means nothing.
func required(body Body, ids ...string) (Body, error) {
	for _, id := range ids {
		if err := badID(id); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func badID(id string) error {
	switch {
	case id == "":
		return errors.New("an id is missing")
	case len(id) > maxID:
		return fmt.Errorf("an id of %d bytes is too long", len(id))
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return errors.New("an id holds control characters")
	}
	return nil
}
