package jetstream_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	nats "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// copyStream makes a stream that copies the log, and waits until it has all.
func copyStream(t *testing.T, js nats.JetStream, config nats.StreamConfig, messages uint64) {
	t.Helper()
	config.Storage = nats.FileStorage
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for {
		if held := holds(t, js, config.Name); held == messages {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("the copy is never complete")
		}
	}
}

func holds(t *testing.T, js nats.JetStream, name string) uint64 {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// sweepLog overwrites events in the log itself.
func sweepLog(t *testing.T, log *jetstream.Log, positions events.Numbers) {
	t.Helper()
	for _, r := range positions.Ranges() {
		for at := r.First; at <= r.Last; at++ {
			if err := log.SecureDelete(t.Context(), events.Position(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func clean(t *testing.T, log *jetstream.Log, positions events.Numbers) map[string]events.Copy {
	t.Helper()
	turn := func(ctx context.Context) error { return ctx.Err() }
	copies, err := log.Clean(t.Context(), anna.Aggregate(), positions, turn)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]events.Copy{}
	for _, c := range copies {
		byName[c.Stream+" "+c.Kind] = c
	}
	return byName
}

func TestCopiesAreCleaned(t *testing.T) {
	b := eventstest.NewBundle(t)
	js, err := nats.New(b.Conn)
	if err != nil {
		t.Fatal(err)
	}
	b.Append(t, anna.Aggregate(), &events.SessionStarted{Learner: "a"}, said(anna, 1, "una palabra").Body)
	sealed := base64.StdEncoding.EncodeToString(b.Load(t, anna.Aggregate())[1].Sealed)
	b.Append(t, bea.Aggregate(), &events.SessionStarted{Learner: "b"})
	positions := events.NumbersOf(1, 2)
	b.Append(t, anna.Aggregate(), &events.SessionErased{Positions: positions})
	for _, config := range []nats.StreamConfig{
		{Name: "MIRROR", Mirror: &nats.StreamSource{Name: "PARLEY"}},
		{Name: "OF_MIRROR", Sources: []*nats.StreamSource{{Name: "MIRROR"}}},
		{Name: "SOURCE", Subjects: []string{"elsewhere"}, Sources: []*nats.StreamSource{{Name: "PARLEY", FilterSubject: "parley.session.*"}}},
		{Name: "REWRITES", Sources: []*nats.StreamSource{{Name: "PARLEY", SubjectTransforms: []nats.SubjectTransformConfig{{Source: "parley.>", Destination: "copy.>"}}}}},
		{Name: "STUBBORN", DenyDelete: true, Sources: []*nats.StreamSource{{Name: "PARLEY"}}},
	} {
		copyStream(t, js, config, 4)
	}
	if _, err := js.CreateStream(t.Context(), nats.StreamConfig{Name: "STRANGER", Subjects: []string{"stranger"}}); err != nil {
		t.Fatal(err)
	}
	sweepLog(t, b.Log, positions)
	copies := clean(t, b.Log, positions)

	for _, name := range []string{"MIRROR mirror", "OF_MIRROR source", "SOURCE source"} {
		t.Run(name+" is cleaned", func(t *testing.T) {
			if c := copies[name]; c.Removed != 2 || c.Left != "" {
				t.Errorf("%+v", c)
			}
			if stream, _, _ := strings.Cut(name, " "); holds(t, js, stream) != 2 {
				t.Errorf("%d messages are left, want bea's and the tombstone", holds(t, js, stream))
			}
		})
	}
	for name, why := range map[string]string{"REWRITES source": "ce-subject", "STUBBORN source": "deny_delete"} {
		t.Run(name+" is named, with why", func(t *testing.T) {
			if c := copies[name]; c.Removed != 0 || !strings.Contains(c.Left, why) {
				t.Errorf("%+v", c)
			}
		})
	}
	t.Run("what copies nothing of ours is none", func(t *testing.T) {
		if len(copies) != 5 {
			t.Errorf("%+v", copies)
		}
	})
	t.Run("again finds nothing to do", func(t *testing.T) {
		if c := clean(t, b.Log, positions)["MIRROR mirror"]; c.Removed != 0 || c.Left != "" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("its sealed bytes are in no file but those that are named", func(t *testing.T) {
		for _, file := range filesWith(t, b.NATS.StoreDir(), sealed) {
			if !strings.Contains(file, "/REWRITES/") && !strings.Contains(file, "/STUBBORN/") {
				t.Errorf("they are in %s", file)
			}
		}
	})
}

// filesWith lists the files below a folder that hold a text. A server that runs may
// remove one while it is looked for.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		var content []byte
		if err == nil && !entry.IsDir() {
			content, err = os.ReadFile(path)
		}
		if strings.Contains(string(content), text) {
			found = append(found, path)
		}
		if path != dir && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// On three replicas each one overwrites the event itself; what they told each other
// about it stays in their Raft logs for a while that nobody can tell, so it is named.
func TestClusterIsSwept(t *testing.T) {
	c := eventstest.StartCluster(t)
	nc := eventstest.Dial(t, c.URL())
	log := eventstest.OpenLog(t, nc, jetstream.Config{Replicas: 3})
	words := said(anna, 1, "una palabra")
	if _, err := appendTo(t.Context(), log, events.ExpectNew(), []events.Event{words}); err != nil {
		t.Fatal(err)
	}
	evs, err := log.Load(t.Context(), anna.Aggregate(), 0)
	if err != nil {
		t.Fatal(err)
	}
	sealed, wrapped := base64.StdEncoding.EncodeToString(evs[0].Sealed), wrappedIn(t, nc, "PARLEY_KEYS", 1)
	mustDestroy(t, log.Vault(), annas)
	sweepLog(t, log, events.NumbersOf(1))
	copies := clean(t, log, events.NumbersOf(1))

	t.Run("the Raft logs are named, those of the keys too", func(t *testing.T) {
		if copies["PARLEY raft_log"].Left == "" || !strings.Contains(copies["PARLEY_KEYS raft_log"].Left, "key") || len(copies) != 2 {
			t.Errorf("%+v", copies)
		}
	})
	for stream, bytes := range map[string]string{"PARLEY": sealed, "PARLEY_KEYS": wrapped} {
		t.Run("the files of "+stream+" itself hold them on no replica", func(t *testing.T) {
			for _, n := range c.Servers {
				for inStream(t, n, stream, bytes) {
					if t.Context().Err() != nil {
						t.Fatal("they stay") // a replica follows its leader a little later
					}
				}
			}
		})
	}
}

func inStream(t *testing.T, n *eventstest.NATS, stream, bytes string) bool {
	t.Helper()
	return slices.ContainsFunc(filesWith(t, n.StoreDir(), bytes), func(file string) bool { return strings.Contains(file, "/streams/"+stream+"/") })
}

// wrappedIn is the key in a stream of keys, as it lies there at a position.
func wrappedIn(t *testing.T, nc *natsgo.Conn, stream string, at uint64) string {
	t.Helper()
	var message struct{ Wrapped string }
	if err := json.Unmarshal(rawAt(t, nc, stream, at).Data, &message); err != nil || message.Wrapped == "" {
		t.Fatalf("no key at %d, %v", at, err)
	}
	return message.Wrapped
}

// A destroyed key goes from what copies the keys too, also from a copy of a generation
// that a rotation has removed.
func TestKeyCopiesAreCleaned(t *testing.T) {
	path, key := keyFile(t)
	n := eventstest.StartNATS(t)
	nc := n.Connect()
	js, err := nats.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	log := jetstream.New(nc, jetstream.Config{MasterKey: jetstream.MasterKeyFile(path)})
	if err := log.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	mustSeal(t, log.Vault(), annas)
	theirs := mustSeal(t, log.Vault(), beas)
	copyStream(t, js, nats.StreamConfig{Name: "OLD", Mirror: &nats.StreamSource{Name: "PARLEY_KEYS"}}, 2)
	keys := []string{wrappedIn(t, nc, "PARLEY_KEYS", 1)}

	writeKey(t, path, key+"\n"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", 32))))
	done := mustRotate(t, log.Vault())
	t.Run("the rotation names what copied the old generation", func(t *testing.T) {
		if !slices.Equal(done.Copies, []string{"OLD"}) {
			t.Errorf("%+v", done)
		}
	})
	held := holds(t, js, "PARLEY_KEYS_2")
	for _, config := range []nats.StreamConfig{
		{Name: "MIRROR", Mirror: &nats.StreamSource{Name: "PARLEY_KEYS_2"}},
		{Name: "SOURCE", Subjects: []string{"elsewhere"}, Sources: []*nats.StreamSource{{Name: "PARLEY_KEYS_2"}}},
		{Name: "REWRITES", Mirror: &nats.StreamSource{Name: "PARLEY_KEYS_2", SubjectTransforms: []nats.SubjectTransformConfig{{Source: "parley_keys.>", Destination: "copy.>"}}}},
	} {
		copyStream(t, js, config, held)
	}
	for at := uint64(1); at <= held; at++ {
		if m := rawAt(t, nc, "MIRROR", at); strings.HasSuffix(m.Subject, string(anna)) {
			keys = append(keys, wrappedIn(t, nc, "MIRROR", at))
		}
	}
	if len(keys) != 2 {
		t.Fatal("the key is not where this test looks for it")
	}

	mustDestroy(t, log.Vault(), annas)
	copies := clean(t, log, events.Numbers{})
	for _, name := range []string{"OLD mirror", "MIRROR mirror", "SOURCE source"} {
		if c := copies[name]; c.Removed != 1 || c.Left != "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := copies["REWRITES mirror"]; c.Removed != 0 || !strings.Contains(c.Left, "rewrites") || len(copies) != 4 {
		t.Errorf("%+v", copies)
	}
	for _, wrapped := range keys {
		for _, file := range filesWith(t, n.StoreDir(), wrapped) {
			if !strings.Contains(file, "/REWRITES/") {
				t.Errorf("a key is in %s", file)
			}
		}
	}
	wantOpen(t, log.Vault(), beas, theirs)
}

// What another has claimed since stays in the copies.
func TestCopiesOfClaims(t *testing.T) {
	b := eventstest.NewBundle(t)
	js, err := nats.New(b.Conn)
	if err != nil {
		t.Fatal(err)
	}
	email := events.EmailAggregate("address")
	b.Append(t, email, &events.EmailClaimed{Account: "a"}, &events.ClaimErased{Positions: events.NumbersOf(1)}, &events.EmailClaimed{Account: "b"})
	for _, config := range []nats.StreamConfig{
		{Name: "MIRROR", Mirror: &nats.StreamSource{Name: "PARLEY"}},
		{Name: "SOURCE", Sources: []*nats.StreamSource{{Name: "PARLEY"}}},
	} {
		copyStream(t, js, config, 3)
	}
	sweepLog(t, b.Log, events.NumbersOf(1))
	copies, err := b.Log.Clean(t.Context(), email, events.NumbersOf(1), func(context.Context) error { return nil })
	if err != nil || len(copies) != 2 {
		t.Fatalf("%+v, %v", copies, err)
	}
	for _, c := range copies {
		if c.Removed != 1 || c.Left != "" || holds(t, js, c.Stream) != 2 {
			t.Errorf("%+v, %d messages are left", c, holds(t, js, c.Stream))
		}
	}
}

func TestBelongings(t *testing.T) {
	b := eventstest.NewBundle(t)
	const ada, berk events.AccountID = "01JD00000000000000000000AA", "01JD00000000000000000000BB"
	mine, foreign := events.TopicID("mine"), events.TopicID("foreign")
	b.Append(t, anna.Aggregate(), &events.SessionStarted{Learner: ada})
	b.Append(t, bea.Aggregate(), &events.SessionStarted{Learner: berk})
	b.Append(t, mine.Aggregate(), &events.TopicAdded{Owner: ada, Private: events.TopicText{Title: "mine"}})
	b.Append(t, foreign.Aggregate(), &events.TopicAdded{Public: &events.TopicText{Title: "for all"}})
	b.Append(t, events.EmailAggregate("held"), &events.EmailClaimed{Account: ada})
	b.Append(t, events.EmailAggregate("freed"), &events.EmailClaimed{Account: ada}, &events.EmailReleased{Account: ada})
	b.Append(t, events.EmailAggregate("taken"), &events.EmailClaimed{Account: ada}, &events.EmailClaimed{Account: berk})
	b.Append(t, events.IdentityAggregate("provider"), &events.IdentityClaimed{Account: ada})
	at := b.Append(t, ada.Aggregate(), &events.AccountRegistered{})
	found, err := b.Log.Belongings(t.Context(), ada, at)
	if err != nil {
		t.Fatal(err)
	}
	want := events.Belongings{
		Sessions: []events.SessionID{anna}, Topics: []events.TopicID{mine},
		Emails: []string{"freed", "held", "taken"}, Identities: []string{"provider"}, Claimed: events.NumbersOf(5, 6, 7, 8, 10),
	}
	if found.Count() != want.Count() || !slices.Equal(found.Sessions, want.Sessions) || !slices.Equal(found.Topics, want.Topics) ||
		!slices.Equal(found.Emails, want.Emails) || !slices.Equal(found.Identities, want.Identities) || !found.Claimed.Equal(want.Claimed) {
		t.Errorf("got %+v, want %+v", found, want)
	}
}
