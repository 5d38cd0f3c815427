package postgres_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
	"parley/projections/postgres"
)

// raw is a message as any NATS client might put it into the log.
func raw(id events.SessionID, kind, body string, change map[string]string) *nats.Msg {
	m := nats.NewMsg("parley.session." + string(id))
	header := map[string]string{
		"ce-specversion": "1.0", "ce-id": "raw-1", "ce-source": "elsewhere", "ce-type": kind,
		"ce-subject": "session/" + string(id), "ce-time": "2026-03-14T09:26:53.000Z", "ce-datacontenttype": "application/json",
	}
	maps.Copy(header, change)
	for name, value := range header {
		if value != "" {
			m.Header.Set(name, value)
		}
	}
	m.Data = []byte(body)
	return m
}

// put stores a message past the program.
func (r *real) put(t *testing.T, m *nats.Msg) {
	t.Helper()
	js, err := natsjs.New(r.Conn)
	if err == nil {
		_, err = js.PublishMsg(t.Context(), m)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever is put into the log past the program: every other session works, and
// the dead letters say where it is.
func TestBadInput(t *testing.T) {
	const placed = "parley.segment_placed.v1"
	const body = `{"call":1,"item":"x","speaker":"learner"}`
	for name, c := range map[string]struct {
		message *nats.Msg
		reason  string
	}{
		"an unknown kind":                  {raw(first, "parley.session_sang.v1", `{}`, nil), "unknown kind"},
		"an unknown version":               {raw(first, "parley.segment_placed.v2", `{}`, nil), "unknown kind or version"},
		"a foreign kind":                   {raw(first, "org.example.thing", `{}`, nil), "unknown kind"},
		"no kind":                          {raw(first, "", `{}`, nil), "unknown kind"},
		"a body that is no JSON":           {raw(first, placed, `{"call":`, nil), "segment_placed does not decode"},
		"no body":                          {raw(first, placed, ``, nil), "segment_placed does not decode"},
		"a body with unknown members":      {raw(first, placed, `{"call":1,"item":"x","speaker":"learner","mood":"gay"}`, nil), "segment_placed does not decode"},
		"a body of another type":           {raw(first, placed, `{"call":"one"}`, nil), "segment_placed does not decode"},
		"a seal that does not open":        {raw(first, "parley.segment_transcribed.v1", `{"call":1,"item":"x","status":"final","words":1,"sealed":"AAAA"}`, nil), ""},
		"a broken time":                    {raw(first, placed, `{}`, map[string]string{"ce-time": "yesterday"}), "ce-time"},
		"no id":                            {raw(first, placed, `{}`, map[string]string{"ce-id": ""}), "ce-id"},
		"a subject that is another one":    {raw(first, placed, `{}`, map[string]string{"ce-subject": "session/other"}), "ce-subject"},
		"a subject that is no ULID":        {raw("not-a-ulid", placed, body, nil), "not a ULID"},
		"a subject with a colon":           {raw("a:b", placed, body, nil), "not a ULID"},
		"a subject with a dollar":          {raw("a$b", placed, body, nil), "not a ULID"},
		"a subject that is no ASCII":       {raw("é", placed, body, nil), "not a ULID"},
		"a subject that is no UTF-8":       {raw("a\xff\xfeb", placed, body, nil), "ce-subject"},
		"a subject with a zero byte":       {raw("a\x00b", placed, body, nil), "ce-subject"},
		"a subject that stands for all":    {raw("*", placed, body, nil), "not a ULID"},
		"a subject that ends all":          {raw(">", placed, body, nil), "not a ULID"},
		"an id that is no UTF-8":           {raw(first, "parley.session_sang.v1", `{}`, map[string]string{"ce-id": "a\xff\xfeb"}), "unknown kind"},
		"a kind of another aggregate":      {raw(first, "parley.topic_retired.v1", `{}`, nil), "does not belong"},
		"an item id too long to index":     {raw(first, placed, `{"call":1,"item":"`+longID()+`","speaker":"learner"}`, nil), ""},
		"an item id PostgreSQL can't hold": {raw(first, placed, `{"call":1,"item":"a\u0000b","speaker":"learner"}`, nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t)
			r.put(t, c.message)
			bad := r.identity(t).Last
			r.say(t, second, "two")
			project(t, r.Log, r.store)
			if view, err := r.views.Session(t.Context(), anna, second); err != nil || len(view.Segments) != 2 {
				t.Errorf("another session: %d turns, %v", len(view.Segments), err)
			}
			if view, err := r.views.Session(t.Context(), anna, first); err != nil || len(view.Segments) != 1 {
				t.Errorf("what came before it: %d turns, %v", len(view.Segments), err)
			}
			letters, err := r.views.DeadLetters(t.Context(), 10)
			if err != nil || len(letters) != 1 || letters[0].Position != bad || !strings.Contains(letters[0].Reason, c.reason) {
				t.Errorf("dead letters: %+v, %v", letters, err)
			}
			done, err := postgres.NewRetrier(r.db, r.Vault, r.Log, r.Log.Stream()).RetryAll(t.Context(), untold)
			if err != nil || len(done) != 1 || done[0].Released != 0 || len(done[0].Stuck) != 1 {
				t.Errorf("a retry changes nothing: %+v, %v", done, err)
			}
		})
	}
}

// brokenHeaders are blocks that the server takes and no client can read, or reads
// as something else than what was stored.
var brokenHeaders = map[string]string{
	"a line without a colon":     "NATS/1.0\r\nno colon here\r\n\r\n",
	"no version":                 "garbage\r\n\r\n",
	"no end":                     "NATS/1.0\r\nce-id: ab\r\nbroken",
	"nothing":                    "NATS/1.0\r\n\r\n",
	"the status of an end":       "NATS/1.0\r\nStatus: 404\r\n\r\n",
	"the status of a refusal":    "NATS/1.0\r\nStatus: 500\r\n\r\n",
	"a status before them":       "NATS/1.0 503\r\nce-id: ab\r\n\r\n",
	"a position of its own":      "NATS/1.0\r\nNats-Sequence: 1\r\nNats-Subject: parley.session.other\r\n\r\n",
	"a position that is none":    "NATS/1.0\r\nNats-Sequence: first\r\n\r\n",
	"an id that is not UTF-8":    "NATS/1.0\r\nce-id: a\xff\xfeb\r\n\r\n",
	"an id with a zero byte":     "NATS/1.0\r\nce-id: a\x00b\r\n\r\n",
	"no colon behind other ones": "NATS/1.0\r\nce-id: ab\r\nce-time\r\n\r\n",
}

// Headers that cannot be read are one dead letter of one session, in whatever way
// it is read: from the log's start, by itself, by who looks for something, or as
// what stood at the checkpoint.
func TestBrokenHeaders(t *testing.T) {
	for name, block := range brokenHeaders {
		t.Run(name, func(t *testing.T) {
			r := newReal(t)
			eventstest.PutRaw(t, r.NATS.URL(), "parley.session."+string(first), block, `{}`)
			bad := r.identity(t).Last
			project(t, r.Log, r.store)
			if err := r.check(t); err != nil {
				t.Errorf("at the checkpoint: %v", err)
			}
			after := r.say(t, first, "two")
			r.say(t, second, "two")
			project(t, r.Log, r.store)
			if view, err := r.views.Session(t.Context(), anna, second); err != nil || len(view.Segments) != 2 {
				t.Errorf("another session: %d turns, %v", len(view.Segments), err)
			}
			letters, err := r.views.DeadLetters(t.Context(), 10)
			if err != nil || len(letters) != 3 || letters[0].Position != bad || letters[0].Reason == "" {
				t.Errorf("dead letters: %+v, %v", letters, err)
			}
			loaded := r.Load(t, first.Aggregate())
			if last := loaded[len(loaded)-1]; len(loaded) != 6 || loaded[3].Position != bad || last.Position != after {
				t.Errorf("loaded %d events, the last at %s", len(loaded), last.Position)
			}
			seen, err := r.Log.Browse(t.Context(), events.Filter{Limit: 100})
			if err != nil || len(seen.Events) != int(r.identity(t).Last) || seen.More {
				t.Errorf("browsed %d events, more %v, %v", len(seen.Events), seen.More, err)
			}
			done, err := postgres.NewRetrier(r.db, r.Vault, r.Log, r.Log.Stream()).RetryAll(t.Context(), untold)
			if err != nil || len(done) != 1 || done[0].Released != 0 || len(done[0].Stuck) != 3 {
				t.Errorf("a retry changes nothing: %+v, %v", done, err)
			}
		})
	}
}

// The last event of the log being a bad one does not keep a projector from
// starting again.
func TestBadInputAtTheCheckpoint(t *testing.T) {
	const sang = "parley.session_sang.v1"
	for name, m := range map[string]*nats.Msg{
		"unreadable":                  raw(first, sang, `{}`, nil),
		"of an odd subject":           raw("not-a-ulid", sang, `{}`, nil),
		"of a subject with a colon":   raw("a:b", sang, `{}`, nil),
		"of one that is no ASCII":     raw("é", sang, `{}`, nil),
		"of one that is no UTF-8":     raw("a\xff\xfeb", sang, `{}`, nil),
		"of one that stands for all":  raw("*", sang, `{}`, nil),
		"of one of many parts":        {Subject: "parley.audit.x.y.z", Header: nats.Header{}, Data: []byte("x")},
		"without an id":               raw(first, "parley.segment_placed.v1", `{}`, map[string]string{"ce-id": ""}),
		"with an id that is no UTF-8": raw(first, sang, `{}`, map[string]string{"ce-id": "a\xff\xfeb"}),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t)
			r.put(t, m)
			bad := r.identity(t).Last
			project(t, r.Log, r.store)
			if err := r.check(t); err != nil {
				t.Error(err)
			}
			r.say(t, second, "two")
			if err := r.Log.SecureDelete(t.Context(), bad); err != nil {
				t.Fatal(err)
			}
			r.wantFinding(t, projections.Removed)
		})
	}
}

// Links that contradict each other have an order all the same; they harm no
// other session.
func TestContradictingLinks(t *testing.T) {
	of := first.Aggregate()
	place := func(item, previous string) events.Event {
		return on(of, &events.SegmentPlaced{Call: 1, Item: item, Previous: new(previous), Speaker: events.Learner})
	}
	log := tapeOf(append([]events.Event{
		started(first, anna), place("a", "b"), place("b", "a"), place("c", "c"), place("d", "nowhere"), place("a", "d"),
	}, talk(second, anna)...)...)
	r := newRebuilding(t, log)
	project(t, log, r.store)
	view, err := r.views.Session(t.Context(), anna, first)
	if err != nil || len(view.Segments) != 4 {
		t.Errorf("%d turns, %v", len(view.Segments), err)
	}
	if view, err = r.views.Session(t.Context(), anna, second); err != nil || len(view.Segments) != 4 {
		t.Errorf("another session: %d turns, %v", len(view.Segments), err)
	}
}

// A checkpoint that is of another log, by whatever accident, stops projecting
// and is named.
func TestCheckpointOfAnotherLog(t *testing.T) {
	r := newReal(t)
	other := eventstest.NewBundle(t)
	other.Append(t, first.Aggregate(), started(first, anna).Body)
	r.Log = other.Log
	r.wantFinding(t, "recreated")
	if view, err := r.views.Session(t.Context(), anna, first); err != nil || len(view.Segments) != 1 {
		t.Errorf("readers still see %d turns, %v", len(view.Segments), err)
	}
}

// Tables that somebody altered by hand stop the projector, not the program: the
// log takes what is said, readers see what they can, the trouble is named, and a
// rebuild that is told to makes all good.
func TestSchemaAlteredByHand(t *testing.T) {
	for name, sql := range map[string]string{
		"a column dropped":             "alter table segments drop column words cascade",
		"a column that must be filled": "alter table segments add column note text not null default ''; alter table segments alter column note drop default",
		"a table dropped":              "drop table segments cascade",
		"a check that does not hold":   "alter table segments add check (words > 100) not valid",
		"a key that is none":           "create unique index on segments (session)",
		"a constraint that is none":    "alter table segments add unique (session)",
		"a reference to nothing":       "create table other (id text primary key); alter table segments add foreign key (session) references other not valid",
		"a trigger that objects":       "create function object() returns trigger language plpgsql as 'begin raise exception $$no$$; end'; create trigger objects before insert on segments for each row execute function object()",
		"a trigger that blames":        "create function object() returns trigger language plpgsql as 'begin raise exception $$no$$ using errcode = $$22001$$; end'; create trigger objects before insert on segments for each row execute function object()",
		"a trigger that cries havoc":   "create function object() returns trigger language plpgsql as 'begin raise exception $$no$$ using errcode = $$XX001$$; end'; create trigger objects before insert on segments for each row execute function object()",
		"a column that is too short":   "drop view VIEWS.segments; alter table segments alter column item type varchar(2) using left(item, 2)",
		"a column of another type":     "drop view VIEWS.segments; alter table segments alter column words type text",
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t)
			told := make(chan error, 1000)
			awake := make(chan struct{})
			close(awake)
			p := newProjector(r.Log, &overheard{Store: r.store, woken: awake, refusals: told})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			<-p.CaughtUp()
			exec(t, "set search_path to "+r.config.Views+"_v1; "+strings.ReplaceAll(sql, "VIEWS", r.config.Views))
			end := r.say(t, second, "two")
			if err := <-told; events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "altered") {
				t.Errorf("it is not named: %v", err)
			}
			if _, err := r.views.Topics(t.Context(), anna); err != nil {
				t.Errorf("what was not altered: %v", err)
			}
			if done, err := r.rebuild(t, true); err != nil || !done.Switched {
				t.Fatalf("rebuild: %+v, %v", done, err)
			}
			if err := p.Wait(ctx, end); err != nil {
				t.Fatal(err)
			}
			if view, err := r.views.Session(t.Context(), anna, second); err != nil || len(view.Segments) != 2 {
				t.Errorf("%d turns, %v", len(view.Segments), err)
			}
			if n, _, err := r.views.CountDeadLetters(t.Context()); err != nil || n != 0 {
				t.Errorf("%d dead letters, %v", n, err)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
