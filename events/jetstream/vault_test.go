package jetstream_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

var (
	annas = anna.Aggregate()
	beas  = bea.Aggregate()
)

const (
	placed = events.KindSegmentPlaced
	secret = "¿Me pone un café?"
)

func mustSeal(t *testing.T, v *jetstream.Vault, owner events.Aggregate) []byte {
	t.Helper()
	sealed, err := v.Seal(t.Context(), owner, owner, "id", placed, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestVaultOpen(t *testing.T) {
	v := eventstest.NewBundle(t).Vault
	sealed := mustSeal(t, v, annas)
	mustSeal(t, v, beas)
	broken := append([]byte{}, sealed...)
	broken[len(broken)-1] ^= 1
	for name, c := range map[string]struct {
		owner, of events.Aggregate
		id        events.EventID
		kind      events.Kind
		sealed    []byte
		want      events.Code
	}{
		"what was sealed":               {annas, annas, "id", placed, sealed, ""},
		"under another's key":           {beas, annas, "id", placed, sealed, events.CodeInvalid},
		"as another aggregate's":        {annas, beas, "id", placed, sealed, events.CodeInvalid},
		"as another event's":            {annas, annas, "di", placed, sealed, events.CodeInvalid},
		"as another kind's":             {annas, annas, "id", events.KindSegmentTimed, sealed, events.CodeInvalid},
		"with a bit turned":             {annas, annas, "id", placed, broken, events.CodeInvalid},
		"cut short":                     {annas, annas, "id", placed, sealed[:5], events.CodeInvalid},
		"of an owner that has no key":   {events.TopicID("01").Aggregate(), annas, "id", placed, sealed, events.CodeNotFound},
		"of nobody":                     {events.Aggregate{}, annas, "id", placed, sealed, events.CodeInvalid},
		"of an owner with a wide name":  {events.Aggregate{Kind: "session", ID: "*"}, annas, "id", placed, sealed, events.CodeInvalid},
		"of an owner with a split name": {events.Aggregate{Kind: "session", ID: "a.b"}, annas, "id", placed, sealed, events.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Open(t.Context(), c.owner, c.of, c.id, c.kind, c.sealed)
			if events.CodeOf(err) != c.want || err == nil && string(got) != secret {
				t.Errorf("got %q, %v; want code %q", got, err, c.want)
			}
		})
	}
}

func TestVaultKeysOutliveTheProgram(t *testing.T) {
	b := eventstest.NewBundle(t)
	sealed := mustSeal(t, b.Vault, annas)
	words, err := b.Vault.Derive(t.Context(), annas, "words")
	if err != nil {
		t.Fatal(err)
	}
	email, err := b.Vault.Keyed(t.Context(), "email")
	if err != nil {
		t.Fatal(err)
	}
	b.NATS.Stop()
	b.NATS.Start()
	later := eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{}).Vault()

	t.Run("what was sealed opens", func(t *testing.T) {
		if got, err := later.Open(t.Context(), annas, annas, "id", placed, sealed); err != nil || string(got) != secret {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("derived keys are the same, and differ by purpose and owner", func(t *testing.T) {
		again, err := later.Derive(t.Context(), annas, "words")
		if err != nil || again != words {
			t.Errorf("another key, %v", err)
		}
		if other, err := later.Derive(t.Context(), annas, "else"); err != nil || other == words {
			t.Errorf("one key for two purposes, %v", err)
		}
		mustSeal(t, later, beas)
		if other, err := later.Derive(t.Context(), beas, "words"); err != nil || other == words {
			t.Errorf("one key for two owners, %v", err)
		}
	})
	t.Run("named keys are the same, and differ by name", func(t *testing.T) {
		if again, err := later.Keyed(t.Context(), "email"); err != nil || again != email {
			t.Errorf("another key, %v", err)
		}
		if other, err := later.Keyed(t.Context(), "call"); err != nil || other == email {
			t.Errorf("one key for two names, %v", err)
		}
	})
	t.Run("deriving makes no key", func(t *testing.T) {
		_, err := later.Derive(t.Context(), events.TopicID("01").Aggregate(), "words")
		if events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v, want %s", err, events.CodeNotFound)
		}
	})
}

func TestVaultDestroy(t *testing.T) {
	b := eventstest.NewBundle(t)
	sealed := mustSeal(t, b.Vault, annas)
	bystander := mustSeal(t, b.Vault, beas)
	var message struct{ Wrapped string }
	if err := json.Unmarshal(rawAt(t, b.Conn, "PARLEY_KEYS", 1).Data, &message); err != nil {
		t.Fatal(err)
	}
	if !onDisk(t, b.NATS, message.Wrapped) {
		t.Fatal("the wrapped key is not where this test looks for it")
	}

	for range 2 { // the second time changes nothing
		if err := b.Vault.Destroy(t.Context(), annas); err != nil {
			t.Fatal(err)
		}
	}

	erased := func(t *testing.T, v *jetstream.Vault) {
		t.Helper()
		_, sealing := v.Seal(t.Context(), annas, annas, "id", placed, []byte(secret))
		_, opening := v.Open(t.Context(), annas, annas, "id", placed, sealed)
		_, deriving := v.Derive(t.Context(), annas, "words")
		for _, err := range []error{sealing, opening, deriving} {
			if events.CodeOf(err) != events.CodeErased {
				t.Errorf("got %v, want %s", err, events.CodeErased)
			}
		}
	}
	t.Run("nothing seals, opens or derives", func(t *testing.T) { erased(t, b.Vault) })
	t.Run("nor in a program that starts later", func(t *testing.T) {
		erased(t, eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{}).Vault())
	})
	t.Run("no byte of the key is on the disk", func(t *testing.T) {
		raw, err := base64.StdEncoding.DecodeString(message.Wrapped)
		if err != nil {
			t.Fatal(err)
		}
		if onDisk(t, b.NATS, message.Wrapped) || onDisk(t, b.NATS, string(raw)) {
			t.Error("the wrapped key is still there")
		}
	})
	t.Run("others keep theirs", func(t *testing.T) {
		if _, err := b.Vault.Open(t.Context(), beas, beas, "id", placed, bystander); err != nil {
			t.Error(err)
		}
	})
	t.Run("an owner that never had a key gets none any more", func(t *testing.T) {
		nobody := events.TopicID("01").Aggregate()
		if err := b.Vault.Destroy(t.Context(), nobody); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Vault.Seal(t.Context(), nobody, nobody, "id", placed, []byte(secret)); events.CodeOf(err) != events.CodeErased {
			t.Errorf("got %v, want %s", err, events.CodeErased)
		}
	})
}

// patience is how long a busy machine may take for what an idle one does at once; how
// long an instance itself holds a destroyed key, see TestKeysAreForgottenInTime.
const patience = 30 * time.Second

func TestVaultDestroyReachesOtherInstances(t *testing.T) {
	b := eventstest.NewBundle(t)
	told := make(chan events.Aggregate, 1)
	nc := b.NATS.Connect()
	other := eventstest.OpenLog(t, nc, jetstream.Config{KeyDestroyed: func(owner events.Aggregate) { told <- owner }}).Vault()
	sealed := mustSeal(t, b.Vault, annas)
	wantOpen(t, other, annas, sealed)

	mustDestroy(t, b.Vault, annas)

	select {
	case owner := <-told:
		if owner != annas {
			t.Fatalf("told of %s", owner)
		}
	case <-time.After(patience):
		t.Fatalf("it still holds the key after %s", patience)
	}
	asked := nc.Stats().OutMsgs
	if _, err := other.Open(t.Context(), annas, annas, "id", placed, sealed); events.CodeOf(err) != events.CodeErased {
		t.Errorf("got %v, want %s", err, events.CodeErased)
	}
	if now := nc.Stats().OutMsgs; now != asked {
		t.Errorf("it asked the server %d times: the key was not lost by the watch", now-asked)
	}
}

// gate is a dialer that can be shut.
type gate struct{ open chan struct{} }

func (g *gate) Dial(network, address string) (net.Conn, error) {
	<-g.open
	return net.Dial(network, address)
}

// Who does not hear of a destruction must not read on: a connection that is cut, and one
// on which nothing comes any more.
func TestVaultOfAnInstanceThatIsCutOff(t *testing.T) {
	b := eventstest.NewBundle(t)
	for name, part := range map[string]func(t *testing.T, p *eventstest.Proxy, nc *nats.Conn) (back func()){
		"cut": func(t *testing.T, p *eventstest.Proxy, nc *nats.Conn) func() {
			release := p.Stall() // so that it does not come back
			if err := nc.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
			return release
		},
		"silent": func(_ *testing.T, p *eventstest.Proxy, _ *nats.Conn) func() { return p.Stall() },
	} {
		t.Run(name, func(t *testing.T) {
			p := eventstest.StartProxy(t, b.NATS.Host())
			nc := eventstest.Dial(t, p.URL())
			other := eventstest.OpenLog(t, nc, jetstream.Config{AnswerWait: time.Second}).Vault()
			session := events.SessionID(b.IDs.ULID()).Aggregate()
			sealed := mustSeal(t, b.Vault, session)
			wantOpen(t, other, session, sealed)

			back := part(t, p, nc)
			t.Cleanup(back)
			mustDestroy(t, b.Vault, session)
			for destroyed := time.Now(); ; runtime.Gosched() {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // from memory, or not
				_, err := other.Open(ctx, session, session, "id", placed, sealed)
				cancel()
				if err != nil {
					break
				}
				if late := time.Since(destroyed); late > patience {
					t.Fatalf("it reads on after %s", late)
				}
			}
			back()
			for t.Context().Err() == nil {
				if _, err := other.Open(t.Context(), session, session, "id", placed, sealed); events.CodeOf(err) == events.CodeErased {
					return
				}
				runtime.Gosched()
			}
		})
	}
}

func TestVaultMissesNoDestructionWhileItIsCutOff(t *testing.T) {
	b := eventstest.NewBundle(t)
	way := &gate{open: make(chan struct{})}
	close(way.open)
	nc := b.NATS.Connect(nats.SetCustomDialer(way))
	other := eventstest.OpenLog(t, nc, jetstream.Config{}).Vault()
	sealed := mustSeal(t, b.Vault, annas)
	wantOpen(t, other, annas, sealed)

	way.open = make(chan struct{})
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	mustDestroy(t, b.Vault, annas)
	close(way.open)

	for t.Context().Err() == nil {
		_, err := other.Open(t.Context(), annas, annas, "id", placed, sealed)
		if events.CodeOf(err) == events.CodeErased {
			return
		}
		if err != nil && events.CodeOf(err) != events.CodeUnavailable {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

func TestVaultForgetsWhatIsOverItsBound(t *testing.T) {
	b := eventstest.NewBundle(t)
	small := eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{CachedKeys: 1}).Vault()
	sealed := mustSeal(t, small, annas)
	mustSeal(t, small, beas)
	if got, err := small.Open(t.Context(), annas, annas, "id", placed, sealed); err != nil || string(got) != secret {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestVaultLoad(t *testing.T) {
	b := eventstest.NewBundle(t)
	sealed := map[events.Aggregate][]byte{}
	owners := []events.Aggregate{{}, owner(1000)} // of whom there can't be a key, and is none
	for i := range 100 {
		sealed[owner(i)] = mustSeal(t, b.Vault, owner(i))
		owners = append(owners, owner(i))
	}
	mustDestroy(t, b.Vault, owner(7))
	nc := b.NATS.Connect()
	later := eventstest.OpenLog(t, nc, jetstream.Config{}).Vault()

	for range 2 { // the second time there is nothing to do but the one without a key
		if err := later.Load(t.Context(), owners); err != nil {
			t.Fatal(err)
		}
	}

	asked := nc.Stats().OutMsgs
	for i := range 100 {
		if i == 7 {
			wantErased(t, later, owner(i))
			continue
		}
		wantOpen(t, later, owner(i), sealed[owner(i)])
	}
	if now := nc.Stats().OutMsgs; now != asked {
		t.Errorf("the server was asked %d times more", now-asked)
	}
	t.Run("no more than memory holds", func(t *testing.T) {
		small := eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{CachedKeys: 2}).Vault()
		if err := small.Load(t.Context(), owners); err != nil {
			t.Fatal(err)
		}
		wantOpen(t, small, owner(99), sealed[owner(99)])
	})
	t.Run("fails when the server is away", func(t *testing.T) {
		nc.Close()
		if err := later.Load(t.Context(), []events.Aggregate{owner(2000)}); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v, want %s", err, events.CodeUnavailable)
		}
	})
}

func TestMasterKey(t *testing.T) {
	n := eventstest.StartNATS(t)
	path := filepath.Join(t.TempDir(), "master.key")
	open := func(t *testing.T, key jetstream.MasterKey) error {
		t.Helper()
		log := jetstream.New(n.Connect(), jetstream.Config{MasterKey: key})
		t.Cleanup(log.Close)
		return log.Open(t.Context())
	}
	refused := func(t *testing.T, key jetstream.MasterKey) {
		t.Helper()
		if err := open(t, key); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
	}
	t.Run("a text that is no key is refused before anything is made", func(t *testing.T) {
		for _, text := range []string{"", "short", strings.Repeat("A", 40), strings.Repeat("A", 48)} {
			refused(t, jetstream.MasterKeyText(text))
		}
	})
	t.Run("the file is made at the first start, for its owner only", func(t *testing.T) {
		if err := open(t, jetstream.MasterKeyFile(path)); err != nil {
			t.Fatal(err)
		}
		about, err := os.Stat(path)
		if err != nil || about.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", about.Mode(), err)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
			t.Errorf("%d files beside it, %v", len(left)-1, err)
		}
	})
	t.Run("it serves at the next start, as a text too", func(t *testing.T) {
		if err := open(t, jetstream.MasterKeyFile(path)); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := open(t, jetstream.MasterKeyText(string(text))); err != nil {
			t.Error(err)
		}
	})
	t.Run("another key is refused", func(t *testing.T) { refused(t, eventstest.MasterKey()) })
	t.Run("a missing file is refused and not made again", func(t *testing.T) {
		gone := filepath.Join(t.TempDir(), "gone.key")
		refused(t, jetstream.MasterKeyFile(gone))
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("stat: %v", err)
		}
	})
	t.Run("a folder that is not there is refused", func(t *testing.T) {
		fresh := eventstest.StartNATS(t)
		log := jetstream.New(fresh.Connect(), jetstream.Config{MasterKey: jetstream.MasterKeyFile(filepath.Join(t.TempDir(), "no", "key"))})
		if err := log.Open(t.Context()); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
	})
}
