package jetstream_test

import (
	"fmt"
	"os"
	"testing"

	"parley/events"
	"parley/events/eventstest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if leaks := eventstest.Leaks(); leaks != nil {
			fmt.Fprintln(os.Stderr, leaks)
			code = 1
		}
	}
	os.Exit(code)
}

func TestLogConforms(t *testing.T) {
	eventstest.Conformance(t, func(t *testing.T) events.Log { return eventstest.NewBundle(t).Log })
}
