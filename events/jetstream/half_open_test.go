package jetstream_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// A connection whose other end is gone without a word is never closed by anybody.
func TestHalfOpenConnectionIsLeft(t *testing.T) {
	n := eventstest.StartNATS(t)
	truth := eventstest.OpenLog(t, n.Connect(), jetstream.Config{})
	p := eventstest.StartProxy(t, n.Host())
	nc := eventstest.Dial(t, p.URL(), nats.PingInterval(300*time.Millisecond))
	log := eventstest.OpenLog(t, nc, jetstream.Config{AnswerWait: time.Second})
	_, release := p.HoldRequest(annasRequest)
	t.Cleanup(release)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	at, err := appendTo(ctx, log, events.ExpectNew(), eventstest.Turns(anna, 1, 1))

	if err != nil {
		t.Fatalf("the log does not come back: %v", err)
	}
	if stored, err := truth.Load(t.Context(), anna.Aggregate(), 0); err != nil || len(stored) != 1 || stored[0].Position != at {
		t.Errorf("%d events are stored, want one at %d: %v", len(stored), at, err)
	}
}

func TestHalfOpenConnectionIsLeftWithinAMinute(t *testing.T) {
	var options nats.Options
	for _, set := range jetstream.ConnectOptions() {
		if err := set(&options); err != nil {
			t.Fatal(err)
		}
	}
	noticed := options.PingInterval * time.Duration(options.MaxPingsOut+1)
	if noticed <= 0 || noticed > time.Minute {
		t.Errorf("it is noticed after %s", noticed)
	}
}
