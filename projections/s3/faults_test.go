package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
	"parley/projections/recording"
)

// behindProxy is a store that is reached through a proxy.
func behindProxy(t *testing.T) (*Store, *eventstest.Proxy) {
	t.Helper()
	proxy := eventstest.StartProxy(t, strings.TrimPrefix(endpoint, "http://"))
	config := configOf(t)
	config.Endpoint = "http://" + proxy.Addr()
	store, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return store, proxy
}

// faults are what may happen to a request while the proxy holds it.
var faults = map[string]func(*eventstest.Proxy){
	"the connection is cut before it arrives": (*eventstest.Proxy).Cut,
	"its answer is lost":                      func(p *eventstest.Proxy) { p.LoseAnswer("HTTP/1.1 20") },
}

// during does something while the next request with the text meets a fault.
func during(t *testing.T, proxy *eventstest.Proxy, request string, fault func(*eventstest.Proxy), do func() error) error {
	t.Helper()
	held, release := proxy.HoldRequest(request)
	defer release()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case <-held:
		fault(proxy)
		release()
		return <-done
	case err := <-done:
		t.Errorf("no request holds %q", request)
		return err
	}
}

// uploaded is a session whose file lies in the store, as announced.
func uploaded(t *testing.T, store *Store, log *eventstest.Bundle) events.SessionID {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(home, "../recording/testdata/chromium-156-stereo-5s.webm"))
	if err != nil {
		t.Fatal(err)
	}
	sum, id, upload := sha256.Sum256(file), events.SessionID(log.IDs.ULID()), events.UploadID(log.IDs.ULID())
	o := recording.Object{Key: recording.IncomingKey(id, upload), ContentType: "audio/webm", Size: int64(len(file)), SHA256: hex.EncodeToString(sum[:])}
	if _, err := store.Put(t.Context(), o, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	log.Append(t, id.Aggregate(), &events.SessionStarted{Learner: "01JD00000000000000000000AA"},
		&events.UploadRequested{Upload: upload, Size: o.Size, SHA256: o.SHA256, ContentType: o.ContentType, DurationMS: 5003},
		&events.UploadCompleted{Upload: upload, Object: o.Key, Size: o.Size, SHA256: o.SHA256})
	return id
}

// The way to the store breaks at each of the finalizer's requests. It heals by itself,
// and the audio is made once.
func TestFinalizerBehindBrokenStore(t *testing.T) {
	store, proxy := behindProxy(t)
	log := eventstest.NewBundle(t)
	for name, fault := range faults {
		for _, request := range []string{"HEAD /", "GET /", "PUT /", "DELETE /"} {
			t.Run(request+" "+name, func(t *testing.T) {
				id := uploaded(t, store, log)
				worker := recording.NewFinalizer(log.Log, store, log.Clock.Now, log.IDs.Event, slog.New(slog.DiscardHandler))
				handle := func() error { return worker.Handle(t.Context(), events.Event{Aggregate: id.Aggregate()}) }
				for err := during(t, proxy, request, fault, handle); err != nil; err = handle() {
					if code := events.CodeOf(err); code != events.CodeUnavailable {
						t.Fatalf("%s: %v", code, err)
					}
				}
				finals := slices.DeleteFunc(log.Load(t, id.Aggregate()), func(e events.Event) bool { return e.Body.Kind() != events.KindAudioFinalized })
				if len(finals) != 1 || census(t, store, id) != 1 {
					t.Fatalf("%d times finalized, %d objects", len(finals), census(t, store, id))
				}
				audio := finals[0].Body.(*events.AudioFinalized)
				if there, err := store.Head(t.Context(), audio.Object); err != nil || there.SHA256 != audio.SHA256 {
					t.Errorf("head = %+v, %v", there, err)
				}
			})
		}
	}
}

// So it does while parts are sent and assembled. What the store acknowledged stays.
func TestPartsBehindBrokenStore(t *testing.T) {
	store, proxy := behindProxy(t)
	for name, fault := range faults {
		for _, request := range []string{"partNumber=2", "GET /", "POST /"} {
			t.Run(request+" "+name, func(t *testing.T) {
				o, parts, pieces := inParts(recording.IncomingKey(mine, "parts"))
				send := func() error {
					m, err := store.Begin(t.Context(), o)
					if events.CodeOf(err) == events.CodeAlreadyStored {
						return nil
					}
					if err != nil {
						return err
					}
					arrived, err := store.Arrived(t.Context(), m)
					for i := 0; err == nil && i < len(parts); i++ {
						if !slices.Contains(arrived, parts[i]) {
							err = store.PutPart(t.Context(), m, parts[i], bytes.NewReader(pieces[i]))
						}
					}
					if err != nil {
						return err
					}
					return store.Assemble(t.Context(), m, len(parts))
				}
				for err := during(t, proxy, request, fault, send); err != nil; err = send() {
					if code := events.CodeOf(err); code != events.CodeUnavailable {
						t.Fatalf("%s: %v", code, err)
					}
				}
				wantWhole(t, store, o, pieces)
				if _, err := store.RemoveSession(t.Context(), mine); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// leaving is a road to the store that can be taken away.
type leaving struct{ away atomic.Bool }

func (l *leaving) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.away.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// The store is away for longer than any number of failures that a worker would bear of
// another cause. When it is back the audio is made, and its levels.
func TestWorkersOutlastTheStore(t *testing.T) {
	road, config := &leaving{}, configOf(t)
	config.Transport = road
	store, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	log := eventstest.NewBundle(t)
	id := uploaded(t, store, log)
	quiet := slog.New(slog.DiscardHandler)
	finalizer := recording.NewFinalizer(log.Log, store, log.Clock.Now, log.IDs.Event, quiet)
	measurer := recording.NewMeasurer(log.Log, store, log.Clock.Now, log.IDs.Event, quiet)

	const deliveries = 3
	outlast := func(name string, kinds []events.Kind, handle func(context.Context, events.Event) error) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		road.away.Store(true)
		tries, outcome := 0, make(chan error, 1)
		worker := jetstream.Worker{
			Name: name, Kinds: kinds, Deliveries: deliveries, Delay: func(int) time.Duration { return time.Millisecond },
			GiveUp: func(_ context.Context, _ events.Event, cause error) error { outcome <- cause; return nil },
			Handle: func(ctx context.Context, hint events.Event) error {
				if tries++; tries > 2*deliveries {
					road.away.Store(false)
				}
				err := handle(ctx, hint)
				if err == nil {
					outcome <- nil
				}
				return err
			},
		}
		ended := make(chan error)
		go func() { ended <- log.Log.Work(ctx, worker) }()
		select {
		case gaveUp := <-outcome:
			stop()
			<-ended
			if gaveUp != nil {
				t.Fatalf("the %s gave up at try %d: %v", name, tries, gaveUp)
			}
		case err := <-ended:
			t.Fatalf("the %s ended: %v", name, err)
		}
	}
	outlast("finalizer", finalizer.Kinds(), finalizer.Handle)
	outlast("measurer", measurer.Kinds(), measurer.Handle)
	var told []events.Kind
	for _, e := range log.Load(t, id.Aggregate()) {
		told = append(told, e.Body.Kind())
	}
	want := []events.Kind{events.KindSessionStarted, events.KindUploadRequested, events.KindUploadCompleted, events.KindAudioFinalized, events.KindAudioMeasured}
	if !slices.Equal(told, want) {
		t.Errorf("told %v", told)
	}
}
