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

// An answer about the stream that is lost, as in a change of leaders, must not
// be waited for as long as the caller has time: what follows the log would stand
// still, and say that all is well.
func TestLostAnswerAboutTheStream(t *testing.T) {
	s := eventstest.StartNATS(t)
	proxy := eventstest.StartProxy(t, s.Host())
	log := eventstest.OpenLog(t, eventstest.Dial(t, proxy.URL(), nats.IgnoreDiscoveredServers()), jetstream.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	lost := proxy.LoseAnswer("stream_info_response")
	if _, err := log.Identity(ctx); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("answered %v", err)
	}
	<-lost
	if _, err := log.Identity(ctx); err != nil {
		t.Errorf("asked again: %v", err)
	}
}
