package jetstream_test

import (
	"testing"

	"go.uber.org/goleak"

	"parley/events"
	"parley/events/eventstest"
)

// serversOwn are loops that a clustered server leaves behind when it is stopped
// soon after its start (nats-server 2.15.2: its file stores are not all closed).
var serversOwn = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*msgBlock).flushLoop"),
	goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
	goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, serversOwn...) }

func TestLogConforms(t *testing.T) {
	eventstest.Conformance(t, func(t *testing.T) events.Log { return eventstest.NewBundle(t).Log })
}
