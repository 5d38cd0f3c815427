package http

import (
	"encoding/json"
	"strings"
	"time"

	"parley/events"
)

// ClearEvent is an event of the log in the clear: CloudEvents' JSON form, with
// what is sealed left out. The stream is de-identified as it is.
type ClearEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          events.EventID  `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Time        time.Time       `json:"time"`
	Position    events.Position `json:"position"`
	Actor       events.Actor    `json:"actor,omitempty"`
	Via         events.Via      `json:"via,omitempty"`
	N           int64           `json:"n,omitempty"`
	Outbox      string          `json:"outbox,omitempty"`
	Causation   events.EventID  `json:"causationid,omitempty"`
	Correlation string          `json:"correlationid,omitempty"`
	Sealed      bool            `json:"sealed" doc:"It has a sealed part"`
	Erased      bool            `json:"erased,omitempty" doc:"Nobody can open that any more"`
	Data        json.RawMessage `json:"data"`
}

// NewClearEvent is an event in the clear. Errors: CodeInternal.
func NewClearEvent(e events.Event) (ClearEvent, error) {
	c := ClearEvent{
		SpecVersion: "1.0", ID: e.ID, Source: "parley", Type: TypeOf(e), Subject: e.Aggregate.String(),
		Time: e.Time, Position: e.Position, Actor: e.Actor, Via: e.Via, N: e.N, Outbox: e.Outbox.String(),
		Causation: e.Causation, Correlation: e.Correlation, Sealed: e.Sealed != nil, Erased: e.Erased,
	}
	if u, is := e.Body.(*events.Unreadable); is {
		reason, err := json.Marshal(map[string]string{"unreadable": u.Reason})
		c.Data = reason
		return c, encoded(err)
	}
	clear, _, err := events.EncodeBody(e.Body)
	c.Data = clear
	return c, encoded(err)
}

func encoded(err error) error {
	if err == nil {
		return nil
	}
	return events.Wrap(err, events.CodeInternal, "an event cannot be written")
}

// TypeOf is the CloudEvents type, as it was found where this version can't
// read it.
func TypeOf(e events.Event) string {
	if u, is := e.Body.(*events.Unreadable); is {
		return u.Type
	}
	return e.Body.Kind().Type()
}

// forAnalysts is an event in the clear without the names of operators, which
// are those of people on a machine. Accounts have ids that are random.
func forAnalysts(e events.Event) (ClearEvent, error) {
	c, err := NewClearEvent(e)
	if role, _, isOperator := strings.Cut(string(c.Actor), "operator:"); isOperator && role == "" {
		c.Actor = "operator"
	}
	return c, err
}

// OpenedEvent is an event with what a person said in it.
type OpenedEvent struct {
	ClearEvent
	Content json.RawMessage `json:"content,omitempty" doc:"What was sealed; missing when nothing was, or its key is destroyed"`
}

// openedOf is an event with its sealed part.
func openedOf(e events.Event) (OpenedEvent, error) {
	clear, err := forAnalysts(e)
	o := OpenedEvent{ClearEvent: clear}
	sealable, is := e.Body.(events.Sealable)
	_, isProviders := e.Body.(*events.CallFollowed) // an id that no reason opens
	if err != nil || !is || isProviders || e.Sealed == nil || e.Erased {
		return o, err
	}
	o.Content, err = json.Marshal(sealable.Sealed())
	return o, encoded(err)
}
