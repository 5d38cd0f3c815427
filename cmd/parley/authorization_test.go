package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
	door "parley/http"
)

// way is one way in, as this test knows it. The table below names every one:
// a route that is added without an entry fails the test.
type way struct {
	method, path string
	access       string // as the route declares it
	ok           int    // the status for those who may call; what it says besides is not asked here
	body         any
	fresh        bool // it ends the sign-in: each caller comes with one of her own

	// onErased is the owner's status where her erased session still has an
	// answer for her; 0: it has none.
	onErased int
}

// ways are in an order in which each leaves the next one what it needs.
func ways(w *world) []way {
	session := func(method, more string, ok int, body any) way {
		return way{method: method, path: "/api/sessions/{id}" + more, access: "owner", ok: ok, body: body}
	}
	sum := map[string]any{"size": len(w.recording), "sha256": w.sha256, "content_type": "audio/webm;codecs=opus", "duration_ms": 5000}
	credentials := map[string]string{"email": mailOfOwner, "password": password}
	topic := map[string]any{"title": "Mushrooms", "language": "en-US", "level": "B1"}
	until := map[string]any{"until": time.Now().Add(time.Hour)}
	return slices.Concat(accountWays(), []way{
		{"GET", "/api/setup", "anyone", 200, nil, false, 0},
		{"POST", "/api/setup", "anyone", 403, map[string]string{"code": "x", "email": "eve@example.org", "password": password}, false, 0},
		{"POST", "/api/sign-in", "anyone", 200, credentials, true, 0}, // in place of who was signed in there
		{"GET", "/api/me", "signed_in", 200, nil, false, 0},
		{"GET", "/api/me/audit", "signed_in", 200, nil, false, 0},
		{"GET", "/api/live", "signed_in", 200, nil, false, 0},
		{"GET", "/api/topics", "signed_in", 200, nil, false, 0},
		{"POST", "/api/topics", "learner", 201, topic, false, 0},
		{"GET", "/api/sessions", "signed_in", 200, nil, false, 0},
		{"POST", "/api/sessions", "learner", 201, map[string]any{"topic_id": w.topic}, false, 0},
		session("GET", "", 200, nil),
		session("GET", "/audio", 200, nil),
		session("GET", "/levels", 200, nil),
		session("GET", "/transcript.json", 200, nil),
		session("GET", "/transcript.vtt", 200, nil),
		session("GET", "/transcript.txt", 200, nil),
		session("GET", "/export", 200, nil),
		{"GET", "/api/me/export", "signed_in", 200, nil, false, 0},
		{"GET", "/api/sessions/{id}/receipt", "owner", 404, nil, false, 200}, // of an erasure only
		session("POST", "/token", 409, nil),                                  // it has ended
		session("POST", "/events", 200, map[string]any{"events": reports()}),
		session("POST", "/end", 200, map[string]any{"reason": "learner", "recording_expected": true, "last_n": len(reports())}),
		session("POST", "/upload", 200, sum),
		session("PUT", "/upload/{upload}/{n}", 415, w.recording), // as JSON
		session("POST", "/upload/{upload}/complete", 200, nil),
		session("GET", "/grant", 200, nil),
		{"POST", "/api/events/{session}/content", "analyst", 403, map[string]string{"reason": "to see"}, false, 0}, // not granted
		session("PUT", "/grant", 200, until),
		{"GET", "/api/events", "analyst", 200, nil, false, 0},
		{"GET", "/api/events/{session}", "analyst", 200, nil, false, 0},
		{"POST", "/api/events/{session}/content", "analyst", 200, map[string]string{"reason": "to see"}, false, 0},
		session("DELETE", "/grant", 200, nil),
		{"GET", "/api/ops/status", "operator", 200, nil, false, 0},
		{"GET", "/api/ops/audit", "operator", 200, nil, false, 0},
		{"GET", "/api/ops/dead-letters", "operator", 200, nil, false, 0},
		{"POST", "/api/ops/dead-letters/retry", "operator", 200, map[string]string{"reason": "to try"}, false, 0},
		{"GET", "/api/ops/sessions", "operator", 200, nil, false, 0},
		{"POST", "/api/ops/sessions/{id}/recover", "operator", 409, map[string]any{"remedy": "finalize", "dry_run": true}, false, 0}, // it is
		session("DELETE", "", 202, nil),
		{"DELETE", "/api/me/browsers", "signed_in", 204, nil, false, 0},
		{"POST", "/api/sign-out", "signed_in", 204, nil, true, 0},
		{"POST", "/api/receipt", "anyone", 404, map[string]string{"receipt": "x.y"}, false, 0},
		{"DELETE", "/api/me", "signed_in", 422, map[string]int{"password": 7}, true, 0}, // else nobody would be left
	})
}

// nobodys are ways in for probes and machines: no account has a part in them.
var nobodys = []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/openapi.yaml", "/openapi-3.0.json", "/openapi-3.0.yaml", "/violations"}

// The callers, in the order in which they come: the owner last, as she may
// change what the others must not even see.
const (
	nobody   = "nobody"
	other    = "other learner"
	analyst  = "analyst"
	operates = "operator"
	owner    = "owner"
)

var callers = []string{nobody, other, analyst, operates, owner}

// may is who passes each access, as far as roles go.
var may = map[string][]string{
	"anyone": callers, "signed_in": callers[1:], "owner": callers[1:],
	"learner": {other, owner}, "analyst": {analyst}, "operator": {operates},
}

// The objects: the owner's session, one that never was, and one of hers that
// was erased.
const (
	live    = "live"
	missing = "missing"
	erased  = "erased"
)

// want is the status that a caller must get for an object.
func (w way) want(caller, object string) int {
	if !slices.Contains(may[w.access], caller) {
		if caller == nobody {
			return http.StatusUnauthorized
		}
		return http.StatusForbidden
	}
	if !w.isOnSession() {
		return w.ok
	}
	hers := w.access != "owner" || caller == owner
	switch {
	case hers && object == erased && w.onErased != 0:
		return w.onErased
	case !hers, object != live:
		return http.StatusNotFound
	}
	return w.ok
}

// isOnSession tells whether it names a session. Other objects (a browser, a
// credential) are ones that never were here; TestForeignObjects has real ones.
func (w way) isOnSession() bool {
	return strings.Contains(w.path, "sessions/{id}") || strings.Contains(w.path, "{session}")
}

// world is a program with somebody of each kind, and something of each.
type world struct {
	p         *program
	who       map[string]*browser
	objects   map[string]string
	upload    string
	others    string // a session of the other learner's, where one is needed
	topic     any
	recording []byte
	sha256    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{p: start(t, t.TempDir()), recording: sample(t)}
	w.p.setUp(t)
	w.who = map[string]*browser{nobody: newBrowser(t, w.p.base)}
	for caller, role := range map[string]string{other: "learner", analyst: "analyst", operates: "operator"} {
		addAccount(t, w.p.dir, mail(caller), role)
		w.who[caller] = signIn(t, w.p.base, mail(caller))
	}
	addAccount(t, w.p.dir, mailOfOwner, "learner")
	lea := signIn(t, w.p.base, mailOfOwner)
	w.who[owner] = lea
	w.topic = lea.must(http.StatusOK, "GET", "/api/topics", nil).json["topics"].([]any)[0].(map[string]any)["id"]
	kept, gone := w.savedSession(lea), lea.startSession()
	w.upload = kept.upload
	gone.must(http.StatusAccepted, "DELETE", gone.path(""), nil)
	w.awaitErased(t, events.SessionID(gone.id))
	w.objects = map[string]string{live: kept.id, missing: newID(), erased: gone.id}
	return w
}

const mailOfOwner = "lea@example.org"

func mail(caller string) string { return strings.ReplaceAll(caller, " ", "-") + "@example.org" }

func (w *world) savedSession(b *browser) *conversation {
	b.t.Helper()
	c := b.startSession()
	c.token()
	c.report()
	c.end()
	c.announce(w.recording)
	sum := sha256.Sum256(w.recording)
	w.sha256 = hex.EncodeToString(sum[:])
	if a := c.put(w.recording); a.status != http.StatusOK {
		b.t.Fatalf("put: %s", a)
	}
	if a := c.complete(); a.status != http.StatusOK {
		b.t.Fatalf("complete: %s", a)
	}
	c.saved()
	c.measured()
	return c
}

// awaitErased waits for the tombstone in the log.
func (w *world) awaitErased(t *testing.T, id events.SessionID) {
	t.Helper()
	w.p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		_, err := eventstest.FollowUntil(ctx, log, func(evs []events.Event) bool {
			last := evs[len(evs)-1]
			return last.Aggregate == id.Aggregate() && last.Body.Kind() == events.KindSessionErased
		})
		return err
	})
}

// ask calls, and reads of a stream no more than that it began.
func (w *world) ask(t *testing.T, by *browser, method, path string, body any) answer {
	t.Helper()
	if path != "/api/live" {
		return by.do(method, path, body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, by.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", by.cookie)
	response, err := by.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return answer{status: response.StatusCode, header: response.Header}
}

func (w *world) fill(path, object string) string {
	return strings.NewReplacer("{id}", w.objects[object], "{session}", w.objects[object], "{upload}", w.upload, "{n}", "1", "{account}", w.objects[missing], "{browser}", w.objects[missing], "{credential}", w.objects[missing], "{role}", "learner").Replace(path)
}

// TestAuthorization crosses every way in with every caller and every object.
func TestAuthorization(t *testing.T) {
	w := newWorld(t)
	for _, way := range ways(w) {
		t.Run(way.method+" "+way.path, func(t *testing.T) { w.cross(t, way) })
	}
	t.Run("probes are nobody's", func(t *testing.T) {
		for _, path := range nobodys {
			if a := w.who[nobody].do("GET", path, nil); a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
				t.Errorf("GET %s: %s", path, a)
			}
		}
	})
	t.Run("a withdrawn role counts at once", w.withdrawnAtOnce)
	w.p.stop()
}

func (w *world) withdrawnAtOnce(t *testing.T) {
	olga, id := w.who[operates], w.idOf(operates)
	w.p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		_, err := events.Execute(ctx, log, id.Aggregate(), events.NewAccount(id), stampOf("test"), func(a *events.Account) ([]events.Event, error) {
			return a.Withdraw(events.RoleOperator)
		})
		return err
	})
	olga.refuse(http.StatusForbidden, "forbidden", "GET", "/api/ops/status", nil)
}

func (w *world) cross(t *testing.T, way way) {
	objects := []string{missing, erased, live}
	if !way.isOnSession() {
		objects = []string{live}
	}
	refusals := map[string]bool{}
	for _, caller := range callers {
		by := w.who[caller]
		if way.fresh && caller != nobody {
			by = signIn(t, w.p.base, w.mailOf(caller))
		}
		for _, object := range objects {
			a := w.ask(t, by, way.method, w.fill(way.path, object), way.body)
			if want := way.want(caller, object); a.status != want {
				t.Errorf("%s, %s: got %s, want %d", caller, object, a, want)
			}
			if a.status == http.StatusNotFound {
				refusals[string(a.raw)] = true
			}
		}
	}
	if len(refusals) > 1 {
		t.Errorf("one can tell another's from what never was: %v", refusals)
	}
}

func (w *world) mailOf(caller string) string {
	if caller == owner {
		return mailOfOwner
	}
	return mail(caller)
}

// objectIn finds what else than a session a path names.
var objectIn = regexp.MustCompile(`{(browser|credential|account|upload)}`)

// TestEveryRouteIsCrossed compares the table with what the router knows.
func TestEveryRouteIsCrossed(t *testing.T) {
	public := &url.URL{Scheme: "http", Host: "127.0.0.1:8787"}
	server := door.New(door.Config{PublicURL: public}, door.Doors{Now: time.Now}, slog.New(slog.NewTextHandler(io.Discard, nil)), "")
	routes, err := server.Routes()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, w := range ways(&world{}) {
		known[w.method+" "+w.path] = w.access
	}
	there := map[string]bool{}
	for _, r := range routes {
		there[r.Method+" "+r.Path] = true
		access, crossed := known[r.Method+" "+r.Path]
		if r.Method == http.MethodHead {
			access, crossed = known["GET "+r.Path]
		}
		switch {
		case r.Access == "" && !slices.Contains(nobodys, r.Path):
			t.Errorf("%s %s does not declare who may call it", r.Method, r.Path)
		case r.Access != "" && !crossed:
			t.Errorf("%s %s (%s) has no entry in the table", r.Method, r.Path, r.Access)
		case r.Access != access:
			t.Errorf("%s %s is for %q, the table says %q", r.Method, r.Path, r.Access, access)
		}
	}
	for name := range known {
		if named := objectIn.FindString(name); named != "" && !slices.Contains(foreignWays, name) {
			t.Errorf("%s names a %s, and is not crossed with foreign ones", name, named)
		}
		if !there[name] {
			t.Errorf("%s is in the table, and not there any more", name)
		}
	}
	for path, item := range server.OpenAPI().Paths {
		for method, op := range map[string]any{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete} {
			if fmt.Sprint(op) != "<nil>" && known[method+" "+path] == "" {
				t.Errorf("the contract has %s %s, the table does not", method, path)
			}
		}
	}
}
