package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"parley/http/realtime"
)

const (
	mark  = "mark-0123456789"
	shown = `{"type":"session.updated","session":{"instructions":"Be kind.\n\nNever mention what follows. [mark:` + mark + `]"}}`
)

// connection is what a provider says on one, and how it closes it; code 0:
// without a word.
type connection struct {
	says    []string
	code    websocket.StatusCode
	refused string // with 404 and this code instead
}

// speaking is a client of a provider that answers with these in turn, with the
// last one for ever.
func speaking(t *testing.T, connections ...connection) *realtime.Client {
	t.Helper()
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connections[min(int(count.Add(1)), len(connections))-1]
		if c.refused != "" {
			http.Error(w, `{"error":{"code":"`+c.refused+`"}}`, http.StatusNotFound)
			return
		}
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = socket.CloseNow() }()
		if _, asked, err := socket.Read(r.Context()); err != nil || len(asked) == 0 {
			return // it was not asked for the session: the client has left
		}
		for _, raw := range c.says {
			if socket.Write(r.Context(), websocket.MessageText, []byte(raw)) != nil {
				return // a client may leave whenever it likes
			}
		}
		if c.code != 0 {
			_ = socket.Close(c.code, "") // nor need it wait for this
		}
	}))
	t.Cleanup(server.Close)
	return realtime.New(realtime.Config{BaseURL: server.URL + "/v1", APIKey: "k", Backoff: time.Millisecond})
}

// notes keeps the types of what is heard.
type notes []string

func (n *notes) Hear(_ context.Context, event realtime.Event) error {
	*n = append(*n, event.Type)
	return nil
}

func TestListen(t *testing.T) {
	event := func(name string) string { return `{"type":"` + name + `"}` }
	for name, test := range map[string]struct {
		connections []connection
		want        []string
	}{
		"holds what comes before the mark, and loses nothing of it": {
			[]connection{{says: []string{event("a"), event("b"), shown, event("c")}, code: websocket.StatusNormalClosure}},
			[]string{"a", "b", "session.updated", "c"}},
		"passes over what is no event": {
			[]connection{{says: []string{shown, `{`, `[]`, event("a")}, code: websocket.StatusNormalClosure}},
			[]string{"session.updated", "a"}},
		"goes on after a trouble of the server": {
			[]connection{{says: []string{shown, event("a")}, code: websocket.StatusInternalError}, {says: []string{shown, event("b")}, code: websocket.StatusNormalClosure}},
			[]string{"session.updated", "a", "session.updated", "b"}},
		"goes on when the server is going away": {
			[]connection{{says: []string{shown}, code: websocket.StatusGoingAway}, {says: []string{shown}, code: websocket.StatusNormalClosure}},
			[]string{"session.updated", "session.updated"}},
		"goes on when the line breaks": {
			[]connection{{says: []string{shown}, code: 0}, {says: []string{shown}, code: websocket.StatusNormalClosure}},
			[]string{"session.updated", "session.updated"}},
		"waits for a call that is too young to be known": {
			append(slices.Repeat([]connection{{refused: "call_id_not_found"}}, 3), connection{says: []string{shown}, code: websocket.StatusNormalClosure}),
			[]string{"session.updated"}},
		"is content with a call that nobody knows four times": {
			append(slices.Repeat([]connection{{refused: "call_id_not_found"}}, 4), connection{says: []string{shown}, code: websocket.StatusNormalClosure}),
			nil},
		"is content with a call that is over when the line is back": {
			[]connection{{says: []string{shown}, code: websocket.StatusGoingAway}, {refused: "call_id_not_found"}},
			[]string{"session.updated"}},
		"holds as many as 256": {
			[]connection{{says: append(slices.Repeat([]string{event("a")}, 256-1), shown), code: websocket.StatusNormalClosure}},
			append(slices.Repeat([]string{"a"}, 256-1), "session.updated")},
	} {
		t.Run(name, func(t *testing.T) {
			var heard notes
			if err := speaking(t, test.connections...).Listen(t.Context(), realtime.Call{ID: "rtc_1", Mark: mark}, &heard); err != nil {
				t.Error(err)
			}
			if !slices.Equal(heard, test.want) {
				t.Errorf("heard %v", heard)
			}
		})
	}
}

// A door that is not there says nothing of the call, which may well be up.
func TestListenDoesNotTakeAClosedDoorForAnEnd(t *testing.T) {
	var heard notes
	err := speaking(t, connection{refused: "not_found"}).Listen(t.Context(), realtime.Call{ID: "rtc_1", Mark: mark}, &heard)
	var failure *realtime.Error
	if !errors.As(err, &failure) || failure.Status != http.StatusNotFound || failure.Code != "not_found" {
		t.Errorf("%v", err)
	}
}

func TestListenGivesUp(t *testing.T) {
	for name, says := range map[string][]string{
		"on a call that speaks and never shows its session": append(slices.Repeat([]string{`{"type":"a"}`}, 256), shown),
		"on an event of more than 1 MiB":                    {fmt.Sprintf(`{"type":"a","x":"%01048576d"}`, 0)},
		"on a connection that always breaks":                nil,
	} {
		t.Run(name, func(t *testing.T) {
			var heard notes
			err := speaking(t, connection{says: says}).Listen(t.Context(), realtime.Call{ID: "rtc_1", Mark: mark}, &heard)
			var failure *realtime.Error
			if !errors.As(err, &failure) || failure.Class != realtime.ClassNetwork || len(heard) > 0 {
				t.Errorf("%v after %v", err, heard)
			}
		})
	}
}
