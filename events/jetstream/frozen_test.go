package jetstream_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// A stream whose files cannot be written any more answers all questions. Its
// server's health tells, until it has been started again.
func TestFrozenStream(t *testing.T) {
	n := eventstest.StartNATS(t, func(o *server.Options) { o.HTTPHost, o.HTTPPort = "127.0.0.1", server.RANDOM_PORT })
	nc := n.Connect()
	log := eventstest.OpenLog(t, nc, jetstream.Config{})
	if err := jetstream.CheckHealth(t.Context(), n.MonitorURL()); err != nil {
		t.Fatal(err)
	}
	messages := filepath.Join(n.StoreDir(), "jetstream", "$G", "streams", "PARLEY", "msgs")
	if err := os.Rename(messages, messages+"-gone"); err != nil {
		t.Fatal(err)
	}
	told := fill(t, n, nc)
	if _, err := log.Identity(t.Context()); err != nil {
		t.Errorf("it answers no questions: %v", err)
	}
	if events.CodeOf(told) != events.CodeUnavailable || !strings.Contains(told.Error(), "PARLEY' write error") {
		t.Errorf("got %v", told)
	}
	between(n, nc, func() {
		if err := errors.Join(os.RemoveAll(messages), os.Rename(messages+"-gone", messages)); err != nil {
			t.Error(err)
		}
	})
	if err := jetstream.CheckHealth(t.Context(), n.MonitorURL()); err != nil {
		t.Errorf("started again: %v", err)
	}
	if _, err := appendTo(t.Context(), log, events.ExpectNew(), eventstest.Turns(anna, 1, 1)); err != nil {
		t.Error(err)
	}
}

// fill writes to the log until the server needs another file for it, gives no more
// answers, and tells so; one that is only slow tells nothing.
func fill(t *testing.T, n *eventstest.NATS, nc *nats.Conn) (told error) {
	t.Helper()
	js, err := natsjs.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := js.PublishMsg(ctx, &nats.Msg{Subject: "parley.audit.x.y", Data: make([]byte, 900_000)})
		cancel()
		if err == nil {
			continue
		}
		if told := jetstream.CheckHealth(t.Context(), n.MonitorURL()); told != nil {
			return told
		}
	}
	t.Fatal("the log takes whatever comes")
	return nil
}
