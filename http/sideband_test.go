package http

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/http/realtime"
	"parley/http/realtime/partner"
	"parley/http/realtime/partner/partnertest"
)

// exchange is a sideband beside a partner, with a real log.
type exchange struct {
	*eventstest.Bundle
	t        *testing.T
	client   *realtime.Client
	sideband *Sideband
	audit    *Auditor
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	p := partner.New(partner.Config{Key: "k", AllowedOrigin: "http://127.0.0.1", Now: time.Now, Random: rand.Reader, Logger: logger})
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	server, transport := httptest.NewServer(p.Handler()), &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	x := &exchange{Bundle: eventstest.NewBundle(t), t: t}
	x.client = realtime.New(realtime.Config{
		BaseURL: server.URL + "/v1", APIKey: "k", Dialect: realtime.DialectPartner, Transport: transport, Backoff: time.Millisecond,
	})
	x.audit = auditorOn(x.Bundle)
	x.sideband = x.another()
	return x
}

// another is the sideband of another instance.
func (x *exchange) another() *Sideband { return x.by(x.client, io.Discard) }

// by is one with other lines, which writes its log there.
func (x *exchange) by(lines Lines, to io.Writer) *Sideband {
	return NewSideband(SidebandDoors{
		Log: x.Log, Keys: x.Vault, SignIns: x.Log.SignIns(), Lines: lines, Audit: x.audit, Tally: &realtime.Tally{},
		Now: x.Clock.Now, NewID: x.IDs.ULID,
	}, slog.New(slog.NewTextHandler(to, nil)))
}

// talk is a session of dora's with a call that is up.
type talk struct {
	*exchange
	id     events.SessionID
	caller *partnertest.Caller
}

// up opens a call; its token carries the mark of the event, or this one.
func (x *exchange) up(browser events.BrowserID, mark string) *talk {
	x.t.Helper()
	id := events.SessionID(x.IDs.ULID())
	x.Append(x.t, id.Aggregate(), &events.SessionStarted{Learner: dora})
	note := events.TokenMinted{ID: x.IDs.Event(), ExpiresAt: x.Clock.Now().Add(time.Minute), Browser: browser}
	if mark == "" {
		var err error
		if mark, err = markOf(x.t.Context(), x.Vault, note.ID); err != nil {
			x.t.Fatal(err)
		}
	}
	token, err := x.client.Mint(x.t.Context(), realtime.MintRequest{PromptID: "cafe", Language: "en-US", Mark: mark})
	if err != nil {
		x.t.Fatal(err)
	}
	s := &talk{exchange: x, id: id, caller: partnertest.Dial(x.t, token.CallsURL, token.Value.Reveal())}
	s.decide(func(sn *events.Session) ([]events.Event, error) {
		_, drafts, err := sn.IssueToken(note)
		return drafts, err
	})
	s.decide(func(sn *events.Session) ([]events.Event, error) { return sn.Follow(1, s.caller.ID) })
	return s
}

func (s *talk) decide(decide func(*events.Session) ([]events.Event, error)) {
	s.t.Helper()
	if _, err := events.Execute(s.t.Context(), s.Log, s.id.Aggregate(), events.NewSession(s.id), s.Stamp("system:test"), decide); err != nil {
		s.t.Fatal(err)
	}
}

// last is the latest event, as a worker is given it.
func (s *talk) last() events.Event {
	s.t.Helper()
	all := s.Load(s.t, s.id.Aggregate())
	return all[len(all)-1]
}

func (s *talk) session() *events.Session {
	s.t.Helper()
	session := events.NewSession(s.id)
	for _, e := range s.Load(s.t, s.id.Aggregate()) {
		session.Evolve(e)
	}
	return session
}

// listened runs a sideband until it is told to stop; the channel gives what it
// returned. The call tells everybody when it is asked for its session, so that
// the caller knows when it is heard.
func (s *talk) listened(by *Sideband) (ended <-chan error, stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done, hint := make(chan error, 1), s.followed()
	s.caller.Until("session.created")
	go func() { done <- by.Listen(ctx, hint) }()
	s.caller.Until("session.updated")
	return done, cancel
}

func (s *talk) followed() events.Event {
	s.t.Helper()
	for _, e := range s.Load(s.t, s.id.Aggregate()) {
		if e.Body.Kind() == events.KindCallFollowed {
			return e
		}
	}
	s.t.Fatal("the call is not followed")
	return events.Event{}
}

func (s *talk) wait(ended <-chan error) error {
	s.t.Helper()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		s.t.Fatal("the sideband does not end")
		return nil
	}
}

func TestSidebandHears(t *testing.T) {
	x := newExchange(t)
	t.Run("a whole call, though its tab died and reported nothing", func(t *testing.T) {
		x := x.in(t)
		s := x.up("", "")
		ended, _ := s.listened(x.sideband)
		s.caller.Type("Two croissants, please.")
		s.caller.Until("response.done")
		s.caller.Close()
		if err := s.wait(ended); err != nil {
			t.Fatal(err)
		}
		session := s.session()
		turns := session.Turns.Segments(true)
		if len(turns) != 2 || turns[0].Facts.Said() != "Two croissants, please." || turns[1].Speaker != events.Tutor || turns[1].Status != events.Final {
			t.Errorf("%+v", turns)
		}
		if !session.Calls[1].Dropped || len(session.Running()) > 0 {
			t.Error("the call counts as running")
		}
		for _, e := range s.Load(t, s.id.Aggregate())[3:] {
			if e.Via != events.ViaSideband {
				t.Errorf("%s via %q", e.Body.Kind(), e.Via)
			}
		}
	})
	t.Run("a call that another instance listened to before", func(t *testing.T) {
		x := x.in(t)
		s := x.up("", "")
		first, stop := s.listened(x.sideband)
		s.caller.Type("One.")
		s.caller.Until("output_audio_buffer.stopped")
		stop()
		if err := s.wait(first); err == nil {
			t.Error("a sideband that was stopped says that the call is over")
		}
		second := make(chan error, 1)
		go func() { second <- x.another().Listen(t.Context(), s.followed()) }()
		s.caller.Until("session.updated")
		s.caller.Type("Two.")
		s.caller.Until("response.done")
		s.caller.Close()
		if err := s.wait(second); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, turn := range s.session().Turns.Segments(true) {
			if turn.Speaker == events.Learner {
				said = append(said, turn.Facts.Said())
			}
		}
		if len(said) != 2 || said[0] != "One." || said[1] != "Two." {
			t.Errorf("%q", said)
		}
	})
	t.Run("nothing of a call that does not carry the mark, which is noted", func(t *testing.T) {
		x := x.in(t)
		s := x.up("", "a-mark-of-another-token")
		if err := x.sideband.Listen(t.Context(), s.followed()); err != nil {
			t.Fatal(err)
		}
		if refused, is := s.last().Body.(*events.CallFollowed); !is || !refused.Refused {
			t.Errorf("the session has %+v", s.last().Body)
		}
		if err := x.sideband.Listen(t.Context(), s.last()); err != nil { // it was told, and is not asked again
			t.Error(err)
		}
		if up := s.session().Running(); len(up) > 0 {
			t.Errorf("%v would be hung up at the end, and may be anybody's", up)
		}
		ran(t, x.audit)
		trail(t, x.Bundle, events.AuditOf(dora), &events.CallRefused{Session: s.id, Call: 1, Why: events.RefusedUnmarked})
	})
	t.Run("nobody where the call is over already", func(t *testing.T) {
		x := x.in(t)
		s := x.up("", "")
		s.caller.Close()
		s.decide(func(sn *events.Session) ([]events.Event, error) { return sn.Lost(1, "gone") })
		if err := x.sideband.Listen(t.Context(), s.followed()); err != nil || s.last().Body.Kind() != events.KindCallDropped {
			t.Errorf("%v, %s", err, s.last().Body.Kind())
		}
	})
}

// in is the exchange for a subtest.
func (x *exchange) in(t *testing.T) *exchange {
	of := *x
	of.t = t
	return &of
}

func TestClaim(t *testing.T) {
	d := newDesk(t)
	learner := d.registered("ana@example.org", events.RoleLearner)
	v := d.visitor("203.0.113.9")
	v.signIn(http.StatusOK, "ana@example.org", herPassword)
	begun := func(t *testing.T) events.SessionID {
		t.Helper()
		id := events.SessionID(d.IDs.ULID())
		d.Append(t, id.Aggregate(), &events.SessionStarted{Learner: learner}, &events.TokenIssued{Call: 1})
		return id
	}
	report := func(id events.SessionID, n int, provider string) answer {
		return v.want(http.StatusOK, http.MethodPost, "/api/sessions/"+string(id)+"/events", map[string]any{"events": []any{map[string]any{
			"n": n, "call": 1, "at_ms": 0, "rec_ms": nil, "event": map[string]any{"type": "parley.call_connected", "provider_call_id": provider},
		}}})
	}
	providerOf := func(t *testing.T, id events.SessionID) string {
		t.Helper()
		session := events.NewSession(id)
		for _, e := range d.Load(t, id.Aggregate()) {
			session.Evolve(e)
		}
		return session.Calls[1].Provider
	}
	first := begun(t)
	t.Run("takes a call for the session that names it first, as often as it is named", func(t *testing.T) {
		for n := range 2 {
			if a := report(first, 1, "rtc_a"); len(a.body["rejected"].([]any)) != 0 {
				t.Fatalf("time %d: %v", n, a.body)
			}
		}
		if got := providerOf(t, first); got != "rtc_a" {
			t.Errorf("follows %q", got)
		}
	})
	for name, test := range map[string]struct {
		session  events.SessionID
		provider string
	}{
		"refuses it to another session":      {begun(t), "rtc_a"},
		"refuses a call that has another id": {first, "rtc_b"},
	} {
		t.Run(name, func(t *testing.T) {
			before := providerOf(t, test.session)
			a := report(test.session, 7, test.provider)
			rejected := a.body["rejected"].([]any)
			if len(rejected) != 1 || rejected[0].(map[string]any)["code"] != "conflict" || providerOf(t, test.session) != before {
				t.Fatalf("%v, follows %q", a.body, providerOf(t, test.session))
			}
		})
	}
	t.Run("notes what it refused", func(t *testing.T) {
		ran(t, d.door.doors.Audit)
		refused := 0
		for _, e := range d.Load(t, events.AuditOf(learner)) {
			if b, is := e.Body.(*events.CallRefused); is && b.Why == events.RefusedClaimed {
				refused++
			}
		}
		if refused != 2 {
			t.Errorf("%d times", refused)
		}
	})
}
