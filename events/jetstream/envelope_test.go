package jetstream

import (
	"testing"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// placedOnce is what segment_placed might have been in a version before.
type placedOnce struct{ events.SegmentPlaced }

func (b *placedOnce) Upcast() events.Body { return &b.SegmentPlaced }

func TestWhatIsReadIsOfToday(t *testing.T) {
	old := &placedOnce{events.SegmentPlaced{Call: 1, Item: "item_1"}}
	e, err := (&Log{}).open(t.Context(), &stored{header: nats.Header{}}, events.Event{Body: old})
	if err != nil || e.Body != events.Body(&old.SegmentPlaced) {
		t.Errorf("got %+v, %v", e.Body, err)
	}
}
