package jetstream_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
)

const (
	anna = events.SessionID("01KKNQ5E4800000000000000AA")
	bea  = events.SessionID("01KKNQ5E4800000000000000BB")
)

// rawAt reads a message past the log, as any NATS client would.
func rawAt(t *testing.T, nc *nats.Conn, stream string, seq uint64) *nats.Msg {
	t.Helper()
	m, err := rawStream(t, nc, stream).GetMsg(t.Context(), seq)
	if err != nil {
		t.Fatalf("%s at %d: %v", stream, seq, err)
	}
	return &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}
}

func rawStream(t *testing.T, nc *nats.Conn, name string) natsjs.Stream {
	t.Helper()
	js, err := natsjs.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return stream
}

// restart stops the server and starts it again, and returns once the connection
// is back.
func restart(n *eventstest.NATS, nc *nats.Conn) { between(n, nc, func() {}) }

// between does something while the server is down.
func between(n *eventstest.NATS, nc *nats.Conn, do func()) {
	down, up := nc.StatusChanged(nats.RECONNECTING), nc.StatusChanged(nats.CONNECTED)
	defer nc.RemoveStatusListener(down)
	defer nc.RemoveStatusListener(up)
	n.Stop()
	<-down
	do()
	n.Start()
	<-up
}

// onDisk tells whether any file of the server's store holds the text.
func onDisk(t *testing.T, n *eventstest.NATS, text string) bool {
	t.Helper()
	return len(filesWith(t, n.StoreDir(), text)) > 0
}

// said is an event with something to seal.
func said(session events.SessionID, n int, text string) events.Event {
	e := eventstest.Turns(session, 1, n)[0]
	e.Body = &events.SegmentTranscribed{Call: 1, Item: "item_1", Status: events.Final, Words: 2, Private: events.SegmentText{Text: text}}
	return e
}
