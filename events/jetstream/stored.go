package jetstream

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// StoredAfter tells when the first event after a position was stored, by the clock
// of the log's leader; zero when there is none. The event itself is not looked at,
// so one that nobody can read counts too. Errors: CodeUnavailable.
func (l *Log) StoredAfter(ctx context.Context, position events.Position) (time.Time, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	what := getRequest{Seq: uint64(position) + 1, NextFor: logPrefix + ">"}
	if err := l.leader.ask(ctx, "GET", what, &answer); err != nil {
		return time.Time{}, err
	}
	if answer.Error != nil {
		return time.Time{}, missing(answer.Error)
	}
	return answer.Message.Time, nil
}
