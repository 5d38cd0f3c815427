package jetstream_test

import (
	"os"
	"testing"

	"parley/events"
	"parley/events/eventstest"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

func TestLogConforms(t *testing.T) {
	eventstest.Conformance(t, func(t *testing.T) events.Log { return eventstest.NewBundle(t).Log })
}
