package jetstream_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// steps are those of a rotation, in order.
var steps = []jetstream.RotationStep{
	jetstream.StepMakeKey, jetstream.StepMakeStream, jetstream.StepCopy, jetstream.StepFreeze,
	jetstream.StepCopyRest, jetstream.StepSwitch, jetstream.StepRemove, jetstream.StepSettle,
}

var errCut = errors.New("cut")

// cutBefore ends a rotation as SIGKILL would: nothing runs behind it.
func cutBefore(step jetstream.RotationStep) func(jetstream.RotationStep) error {
	return func(next jetstream.RotationStep) error {
		if next == step {
			return errCut
		}
		return nil
	}
}

func whole(jetstream.RotationStep) error { return nil }

// impatient keeps the tests of what waits in vain short.
const impatient = time.Second

// keyFile is a new master key in a file of its own folder.
func keyFile(t *testing.T) (path, key string) {
	t.Helper()
	key = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("m", 32)))
	path = filepath.Join(t.TempDir(), "master")
	writeKey(t, path, key)
	return path, key
}

func writeKey(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readKey(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// vaultOn opens a vault of its own, as another program would.
func vaultOn(t *testing.T, n *eventstest.NATS, key jetstream.MasterKey) *jetstream.Vault {
	t.Helper()
	return eventstest.OpenLog(t, n.Connect(), jetstream.Config{MasterKey: key, AnswerWait: impatient}).Vault()
}

func owner(i int) events.Aggregate {
	return events.SessionID(fmt.Sprintf("01KKNQ5E48000000000000%04d", i)).Aggregate()
}

// wantOpen wants a vault to open what was sealed for the owner.
func wantOpen(t *testing.T, v *jetstream.Vault, owner events.Aggregate, sealed []byte) {
	t.Helper()
	if got, err := v.Open(t.Context(), owner, owner, "id", placed, sealed); err != nil || string(got) != secret {
		t.Errorf("%s: got %q, %v", owner, got, err)
	}
}

func wantErased(t *testing.T, v *jetstream.Vault, owner events.Aggregate) {
	t.Helper()
	if _, err := v.Seal(t.Context(), owner, owner, "id", placed, []byte(secret)); events.CodeOf(err) != events.CodeErased {
		t.Errorf("%s: got %v, want %s", owner, err, events.CodeErased)
	}
}

func mustDestroy(t *testing.T, v *jetstream.Vault, owner events.Aggregate) {
	t.Helper()
	if err := v.Destroy(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
}

func mustRotate(t *testing.T, v *jetstream.Vault) jetstream.Rotated {
	t.Helper()
	done, err := v.Rotate(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// keyStreams are the names of the key streams that are there.
func keyStreams(t *testing.T, n *eventstest.NATS) (names []string) {
	t.Helper()
	js, err := natsjs.New(n.Connect())
	if err != nil {
		t.Fatal(err)
	}
	listed := js.StreamNames(t.Context())
	for name := range listed.Name() {
		if strings.HasPrefix(name, "PARLEY_KEYS") {
			names = append(names, name)
		}
	}
	if listed.Err() != nil {
		t.Fatal(listed.Err())
	}
	slices.Sort(names)
	return names
}

func TestRotate(t *testing.T) {
	n := eventstest.StartNATS(t)
	path, old := keyFile(t)
	running := vaultOn(t, n, jetstream.MasterKeyFile(path))
	sealed := mustSeal(t, running, annas)
	mustSeal(t, running, beas)
	mustDestroy(t, running, beas)
	email, err := running.Keyed(t.Context(), "email")
	if err != nil {
		t.Fatal(err)
	}

	done := mustRotate(t, vaultOn(t, n, jetstream.MasterKeyFile(path)))

	if want := (jetstream.Rotated{From: 1, To: 2, Keys: 2, Destroyed: 1}); !cmp.Equal(done, want) {
		t.Errorf("%+v, want %+v", done, want)
	}
	t.Run("programs that run go on", func(t *testing.T) {
		wantOpen(t, running, annas, sealed)
		wantErased(t, running, beas)
		wantOpen(t, running, owner(1), mustSeal(t, running, owner(1)))
		if again, err := running.Keyed(t.Context(), "email"); err != nil || again != email {
			t.Errorf("another key, %v", err)
		}
	})
	t.Run("the old stream is gone, and the old key opens nothing", func(t *testing.T) {
		if got := keyStreams(t, n); !slices.Equal(got, []string{"PARLEY_KEYS_2"}) {
			t.Errorf("%v", got)
		}
		log := jetstream.New(n.Connect(), jetstream.Config{MasterKey: jetstream.MasterKeyText(old)})
		if err := log.Open(t.Context()); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
	})
	t.Run("the file holds the new key alone", func(t *testing.T) {
		files, err := os.ReadDir(filepath.Dir(path))
		if now := readKey(t, path); now == old || strings.Contains(now, "\n") || err != nil || len(files) != 1 {
			t.Errorf("%d files, %v", len(files), err)
		}
	})
	t.Run("it can be done again", func(t *testing.T) {
		if done := mustRotate(t, running); done.From != 2 || done.To != 3 || done.Keys != 3 {
			t.Errorf("%+v", done)
		}
		wantOpen(t, vaultOn(t, n, jetstream.MasterKeyFile(path)), annas, sealed)
	})
}

func TestRotateGoesOnWhereItWasCut(t *testing.T) {
	for i, step := range steps {
		t.Run("before: "+string(step), func(t *testing.T) {
			n := eventstest.StartNATS(t)
			path, old := keyFile(t)
			running := vaultOn(t, n, jetstream.MasterKeyFile(path))
			sealed := mustSeal(t, running, annas)
			mustSeal(t, running, beas)
			mustDestroy(t, running, owner(0))
			if _, err := vaultOn(t, n, jetstream.MasterKeyFile(path)).Rotate(t.Context(), cutBefore(step)); !errors.Is(err, errCut) {
				t.Fatal(err)
			}

			frozen := i > slices.Index(steps, jetstream.StepFreeze) && i <= slices.Index(steps, jetstream.StepSwitch)
			for _, v := range []*jetstream.Vault{running, vaultOn(t, n, jetstream.MasterKeyFile(path))} {
				wantOpen(t, v, annas, sealed)
				wantErased(t, v, owner(0))
				if _, err := v.Seal(t.Context(), owner(1), owner(1), "id", placed, nil); events.CodeOf(err) == events.CodeUnavailable != frozen {
					t.Errorf("a new key: %v", err)
				}
			}
			if !frozen {
				mustDestroy(t, running, beas)
			}

			if done := mustRotate(t, vaultOn(t, n, jetstream.MasterKeyFile(path))); done.To != 2 {
				t.Errorf("%+v", done)
			}
			if frozen {
				mustDestroy(t, running, beas)
			}
			if got := keyStreams(t, n); !slices.Equal(got, []string{"PARLEY_KEYS_2"}) || readKey(t, path) == old {
				t.Errorf("%v", got)
			}
			for _, v := range []*jetstream.Vault{running, vaultOn(t, n, jetstream.MasterKeyFile(path))} {
				wantOpen(t, v, annas, sealed)
				wantErased(t, v, owner(0))
				wantErased(t, v, beas)
				mustSeal(t, v, owner(1))
			}
		})
	}
}

// TestRotateUnderWrites has several programs make and destroy keys while one
// rotates, twice.
func TestRotateUnderWrites(t *testing.T) {
	n := eventstest.StartNATS(t)
	path, _ := keyFile(t)
	programs := make([]*jetstream.Vault, 3)
	for i := range programs {
		programs[i] = eventstest.OpenLog(t, n.Connect(), jetstream.Config{MasterKey: jetstream.MasterKeyFile(path)}).Vault()
	}
	var mu sync.Mutex
	kept := map[events.Aggregate][]byte{}
	var destroyed []events.Aggregate
	stop, pace := make(chan struct{}), make(chan struct{}, 2000)
	var working sync.WaitGroup
	for p, v := range programs {
		working.Go(func() {
			for i := p; ; i += len(programs) {
				select {
				case <-stop:
					return
				case <-pace:
				}
				sealed, err := v.Seal(t.Context(), owner(i), owner(i), "id", placed, []byte(secret))
				if err == nil && i%5 == 0 {
					err = v.Destroy(t.Context(), owner(i))
				}
				if err != nil {
					t.Errorf("%s: %v", owner(i), err)
					return
				}
				mu.Lock()
				if i%5 == 0 {
					destroyed = append(destroyed, owner(i))
				} else {
					kept[owner(i)] = sealed
				}
				mu.Unlock()
			}
		})
	}
	rotating := eventstest.OpenLog(t, n.Connect(), jetstream.Config{MasterKey: jetstream.MasterKeyFile(path)}).Vault()
	for range 2 {
		_, err := rotating.Rotate(t.Context(), func(jetstream.RotationStep) error {
			for range 20 * len(programs) { // while this step is taken, and on into the next
				pace <- struct{}{} // all of both rotations fit
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	working.Wait()
	if len(kept) == 0 || len(destroyed) == 0 {
		t.Fatal("nothing was written meanwhile")
	}
	for _, v := range append(programs, vaultOn(t, n, jetstream.MasterKeyFile(path))) {
		for of, sealed := range kept {
			wantOpen(t, v, of, sealed)
		}
		for _, of := range destroyed {
			wantErased(t, v, of)
		}
	}
}

func TestRotateWithoutTheNewKey(t *testing.T) {
	n := eventstest.StartNATS(t)
	path, old := keyFile(t)
	elsewhere := filepath.Join(t.TempDir(), "copy")
	writeKey(t, elsewhere, old)
	other := vaultOn(t, n, jetstream.MasterKeyFile(elsewhere))
	fixed := vaultOn(t, n, jetstream.MasterKeyText(old))
	sealed := mustSeal(t, other, annas)

	mustRotate(t, vaultOn(t, n, jetstream.MasterKeyFile(path)))

	t.Run("a program says so and serves nothing", func(t *testing.T) {
		for _, v := range []*jetstream.Vault{other, fixed} {
			_, err := v.Open(t.Context(), beas, beas, "id", placed, sealed)
			if events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "does not hold the new one") {
				t.Errorf("got %v", err)
			}
			if events.CodeOf(v.Ready(t.Context())) != events.CodeUnavailable {
				t.Error("it says that it is ready")
			}
		}
	})
	t.Run("it goes on once its source holds the key", func(t *testing.T) {
		writeKey(t, elsewhere, readKey(t, path))
		wantOpen(t, other, annas, sealed)
		if err := other.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRotateOfOtherSources(t *testing.T) {
	n := eventstest.StartNATS(t)
	keys := [3]string{}
	for i := range keys {
		keys[i] = base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('a'+i)), 32)))
	}
	sealed := mustSeal(t, vaultOn(t, n, jetstream.MasterKeyText(keys[0])), annas)
	refused := func(t *testing.T, source, want string, code events.Code) {
		t.Helper()
		_, err := vaultOn(t, n, jetstream.MasterKeyText(source)).Rotate(t.Context(), whole)
		if events.CodeOf(err) != code || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	t.Run("the operator brings the new key", func(t *testing.T) { refused(t, keys[0], "behind it", events.CodeInvalid) })
	t.Run("one rotation at a time", func(t *testing.T) {
		_, err := vaultOn(t, n, jetstream.MasterKeyText(keys[0]+" "+keys[1])).Rotate(t.Context(), cutBefore(jetstream.StepSwitch))
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		refused(t, keys[0]+" "+keys[2], "another master key", events.CodeConflict)
		refused(t, keys[0], "another master key", events.CodeConflict)
	})
	t.Run("a lost beginning can be deleted, and all is there", func(t *testing.T) {
		js, err := natsjs.New(n.Connect())
		if err == nil {
			err = js.DeleteStream(t.Context(), "PARLEY_KEYS_2")
		}
		if err != nil {
			t.Fatal(err)
		}
		done := mustRotate(t, vaultOn(t, n, jetstream.MasterKeyText(keys[0]+"\n"+keys[2])))
		if !done.KeyIsLeft || done.Keys != 1 {
			t.Errorf("%+v", done)
		}
		wantOpen(t, vaultOn(t, n, jetstream.MasterKeyText(keys[2])), annas, sealed)
	})
	t.Run("what is done is not done twice", func(t *testing.T) {
		if done := mustRotate(t, vaultOn(t, n, jetstream.MasterKeyText(keys[0]+" "+keys[2]))); done.From != done.To {
			t.Errorf("%+v", done)
		}
	})
}

func TestRotateOnACluster(t *testing.T) {
	c := eventstest.StartCluster(t)
	path, _ := keyFile(t)
	open := func() *jetstream.Vault {
		config := jetstream.Config{MasterKey: jetstream.MasterKeyFile(path), Replicas: 3}
		return eventstest.OpenLog(t, eventstest.Dial(t, c.URL()), config).Vault()
	}
	running := open()
	sealed := mustSeal(t, running, annas)
	mustSeal(t, running, beas)
	mustDestroy(t, running, beas)

	if done := mustRotate(t, open()); done.Keys != 1 || done.Destroyed != 1 {
		t.Errorf("%+v", done)
	}

	c.AwaitLeader("PARLEY_KEYS_2")
	if got := rawStream(t, eventstest.Dial(t, c.URL()), "PARLEY_KEYS_2").CachedInfo().Config.Replicas; got != 3 {
		t.Errorf("%d replicas", got)
	}
	for _, v := range []*jetstream.Vault{running, open()} {
		wantOpen(t, v, annas, sealed)
		wantErased(t, v, beas)
		mustSeal(t, v, owner(1))
	}
}

func TestRotateStopsWithItsContext(t *testing.T) {
	b := eventstest.NewBundle(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Vault.Rotate(ctx, whole); err == nil {
		t.Error("it went on")
	}
}
