package jetstream_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// A replica without a leader says so at once. Who reads must not be told of that
// before replicas had the time to elect one.
func TestReadWhileThereIsNoLeader(t *testing.T) {
	c := eventstest.StartCluster(t)
	left := c.Servers[0]
	conn := left.Connect()
	log := eventstest.OpenLog(t, conn, jetstream.Config{Replicas: 3, AnswerWait: 20 * time.Second})
	eventstest.Patiently(t, func() (events.Position, error) {
		return appendTo(t.Context(), log, events.ExpectNew(), eventstest.Turns(anna, 1, 1))
	})
	for _, gone := range c.Servers[1:] {
		gone.Stop()
	}
	beside := left.Connect()
	for refused := false; !refused; {
		answer, err := beside.Request("$JS.API.STREAM.MSG.GET.PARLEY", []byte(`{"seq":1}`), time.Second)
		refused = err == nil && strings.Contains(string(answer.Data), `"err_code":10008`)
	}

	asked := conn.Stats().OutMsgs
	read := make(chan error, 1)
	go func() {
		_, err := log.Load(t.Context(), anna.Aggregate(), 0)
		read <- err
	}()
	for conn.Stats().OutMsgs < asked+3 {
		select {
		case err := <-read:
			t.Fatalf("it did not ask again, and answers %v", err)
		default:
			runtime.Gosched()
		}
	}
	for _, back := range c.Servers[1:] {
		back.Start()
	}
	if err := <-read; err != nil && events.CodeOf(err) != events.CodeUnavailable {
		t.Error(err) // an election may take longer than a read
	}
	got := eventstest.Patiently(t, func() ([]events.Event, error) { return log.Load(t.Context(), anna.Aggregate(), 0) })
	if len(got) != 1 {
		t.Errorf("%d events", len(got))
	}
}
