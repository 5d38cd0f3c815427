package jetstream_test

import (
	"testing"

	"go.uber.org/goleak"

	"parley/events"
	"parley/events/eventstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, eventstest.LeftBehind()...) }

func TestLogConforms(t *testing.T) {
	eventstest.Conformance(t, func(t *testing.T) events.Log { return eventstest.NewBundle(t).Log })
}
