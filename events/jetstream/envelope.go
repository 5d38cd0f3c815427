package jetstream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// The envelope is CloudEvents 1.0 in NATS binary mode (NATS protocol binding
// 1.0.3, section 3.1): each attribute is a header of its own, datacontenttype
// like every other. The last six are extensions.
const (
	headerSpec        = "ce-specversion"
	headerID          = "ce-id"
	headerSource      = "ce-source"
	headerType        = "ce-type"
	headerSubject     = "ce-subject"
	headerTime        = "ce-time"
	headerContentType = "ce-datacontenttype"
	headerActor       = "ce-actor"
	headerCausation   = "ce-causationid"
	headerCorrelation = "ce-correlationid"
	headerVia         = "ce-via"
	headerN           = "ce-n"
	headerOutbox      = "ce-outbox"

	specVersion = "1.0"
	source      = "parley"
	contentType = "application/json"
	timeLayout  = "2006-01-02T15:04:05.000Z07:00" // RFC 3339, milliseconds
)

// encode makes an event's message, sealing what is private.
func (l *Log) encode(ctx context.Context, subject string, e events.Event) (*nats.Msg, error) {
	clear, private, err := events.EncodeBody(e.Body)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInternal, "an event cannot be encoded")
	}
	var sealed []byte
	if private != nil {
		sealed, err = l.vault.Seal(ctx, e.KeyOwner(), e.Aggregate, e.ID, e.Body.Kind(), private)
		if err != nil {
			return nil, err
		}
	}
	return &nats.Msg{Subject: subject, Header: headerOf(e), Data: joinBody(clear, sealed)}, nil
}

func headerOf(e events.Event) nats.Header {
	h := nats.Header{
		headerSpec:        {specVersion},
		headerID:          {string(e.ID)},
		headerSource:      {source},
		headerType:        {e.Body.Kind().Type()},
		headerSubject:     {e.Aggregate.String()},
		headerTime:        {e.Time.UTC().Format(timeLayout)},
		headerContentType: {contentType},
	}
	addHeader(h, headerActor, string(e.Actor))
	addHeader(h, headerCausation, string(e.Causation))
	addHeader(h, headerCorrelation, e.Correlation)
	addHeader(h, headerVia, string(e.Via))
	addHeader(h, headerOutbox, e.Outbox.String())
	if e.N > 0 {
		addHeader(h, headerN, strconv.FormatInt(e.N, 10))
	}
	return h
}

// addHeader leaves out what is empty.
func addHeader(h nats.Header, name, value string) {
	if value != "" {
		h[name] = []string{value}
	}
}

// decode reads a message back. What cannot be decoded becomes an event with an
// *[events.Unreadable] body; the only errors are those of a vault that cannot
// be asked.
func (l *Log) decode(ctx context.Context, m *stored) (events.Event, error) {
	return l.open(ctx, m, closed(m))
}

// decodeAll is decode for many messages: what keys they need is fetched at once.
func (l *Log) decodeAll(ctx context.Context, messages []*stored) ([]events.Event, error) {
	decoded := make([]events.Event, len(messages))
	owners := map[events.Aggregate]bool{}
	for i, m := range messages {
		decoded[i] = closed(m)
		if decoded[i].Sealed != nil {
			owners[decoded[i].KeyOwner()] = true
		}
	}
	if err := l.vault.Load(ctx, slices.Collect(maps.Keys(owners))); err != nil {
		return nil, err
	}
	for i, m := range messages {
		e, err := l.open(ctx, m, decoded[i])
		if err != nil {
			return nil, err
		}
		decoded[i] = e
	}
	return decoded, nil
}

// closed is a message's event with its sealed part still sealed.
func closed(m *stored) events.Event {
	e, sealed, err := decodeClear(m)
	if err != nil {
		return unreadable(e, m, err)
	}
	e.Sealed = sealed
	return e
}

// open opens the sealed part of a message's event, if it has one, and says all of
// it in today's version.
func (l *Log) open(ctx context.Context, m *stored, e events.Event) (events.Event, error) {
	if e.Sealed != nil {
		switch err := l.unseal(ctx, &e); events.CodeOf(err) {
		case "":
		case events.CodeErased:
			e.Erased = true
		case events.CodeUnavailable:
			return events.Event{}, err
		default:
			return unreadable(e, m, err), nil
		}
	}
	e.Body = events.Current(e.Body)
	return e, nil
}

// decodeClear reads all that needs no key.
func decodeClear(m *stored) (e events.Event, sealed []byte, err error) {
	if e, err = envelopeOf(m); err != nil {
		return e, nil, err
	}
	kind, known := events.KindOfType(m.header.Get(headerType))
	if !known {
		return e, nil, fmt.Errorf("unknown kind or version")
	}
	clear, sealed, err := splitBody(m.data)
	if err != nil {
		return e, nil, err
	}
	e.Body, err = events.DecodeBody(kind, clear)
	return e, sealed, err
}

// unseal fills in the private part of an event's body.
func (l *Log) unseal(ctx context.Context, e *events.Event) error {
	body, is := e.Body.(events.Sealable)
	if !is {
		return events.Errorf(events.CodeInvalid, "%s has no sealed part", e.Body.Kind())
	}
	private, err := l.vault.Open(ctx, e.KeyOwner(), e.Aggregate, e.ID, e.Body.Kind(), e.Sealed)
	if err != nil {
		return err
	}
	return events.DecodePrivate(body, private)
}

// envelopeOf reads the headers; what it could read is in the event even when
// there is an error.
func envelopeOf(m *stored) (e events.Event, err error) {
	h := m.header
	e = events.Event{
		ID:          m.id(),
		Aggregate:   aggregateOf(m.subject),
		Actor:       events.Actor(legible(h.Get(headerActor))),
		Causation:   events.EventID(legible(h.Get(headerCausation))),
		Correlation: legible(h.Get(headerCorrelation)),
		Via:         events.Via(legible(h.Get(headerVia))),
		Position:    events.Position(m.seq),
	}
	if len(h) == 0 {
		return e, fmt.Errorf("it has no headers that can be read")
	}
	if e.Time, err = time.Parse(timeLayout, h.Get(headerTime)); err != nil {
		return e, fmt.Errorf("%s: %w", headerTime, err)
	}
	e.Time = e.Time.UTC()
	if n := h.Get(headerN); n != "" {
		if e.N, err = strconv.ParseInt(n, 10, 64); err != nil {
			return e, fmt.Errorf("%s: %w", headerN, err)
		}
	}
	if e.Outbox, err = events.ParseNumbers(h.Get(headerOutbox)); err != nil {
		return e, fmt.Errorf("%s: %w", headerOutbox, err)
	}
	switch {
	case h.Get(headerSpec) != specVersion:
		return e, fmt.Errorf("%s is not %s", headerSpec, specVersion)
	case e.ID == "":
		return e, fmt.Errorf("%s is missing", headerID)
	case h.Get(headerSubject) != e.Aggregate.String():
		return e, fmt.Errorf("%s is not that of the subject", headerSubject)
	}
	return e, nil
}

func unreadable(e events.Event, m *stored, reason error) events.Event {
	e.Body = &events.Unreadable{Type: legible(m.header.Get(headerType)), Reason: reason.Error(), Raw: m.data}
	return e
}
