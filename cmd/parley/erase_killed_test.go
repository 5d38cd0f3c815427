package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections/erasure"
)

// asKilledErasers and asKilledFinalizers make the test binary serve until one of these
// workers has taken a step that is not yet in the file that the variable names; there it
// kills itself.
const (
	asKilledErasers    = asProgram + "_KILLED_ERASERS"
	asKilledFinalizers = asProgram + "_KILLED_FINALIZERS"
)

// killer ends the program by SIGKILL at each step once: right after the step took
// effect, before the program learns of it. The file holds the steps of former runs.
// One step is taken at a time, so that none takes effect unseen.
type killer struct {
	one  *sync.Mutex
	file string
}

func (k killer) after(do func() (step string, err error)) error {
	k.one.Lock()
	defer k.one.Unlock()
	step, err := do()
	if err != nil {
		return err
	}
	known, err := os.ReadFile(k.file)
	if err != nil || slices.Contains(strings.Fields(string(known)), step) {
		return err
	}
	if err := os.WriteFile(k.file, []byte(string(known)+step+"\n"), 0o600); err != nil {
		return err
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		return err
	}
	select {} // the signal is on its way
}

// The doors of an eraser; steps are named by what they do and to what.
type (
	killedLog struct {
		erasure.Log
		killer
	}
	killedCalls struct {
		erasure.Calls
		killer
	}
	killedVault struct {
		erasure.Vault
		killer
	}
	killedObjects struct {
		erasure.Objects
		killer
	}
	killedLedger struct {
		erasure.Ledger
		killer
	}
	killedSweeper struct {
		erasure.Sweeper
		killer
	}
	killedCopies struct {
		erasure.Copies
		killer
	}
	killedSignIns struct {
		erasure.SignIns
		killer
	}
)

func (k killedLog) Append(ctx context.Context, to events.Aggregate, expected events.Expected, evs ...events.Event) (at events.Position, err error) {
	last := evs[len(evs)-1].Body
	step := string(last.Kind())
	if b, is := last.(events.Tombstone); is && b.Swept() {
		step += ",swept"
	} else if b, is := last.(*events.AccountErased); is && b.Counted {
		step += ",counted"
	}
	err = k.after(func() (string, error) { at, err = k.Log.Append(ctx, to, expected, evs...); return step, err })
	return at, err
}

func (k killedCalls) HangUpAll(ctx context.Context, sessions []events.SessionID) error {
	return k.after(func() (string, error) { return "hang-up", k.Calls.HangUpAll(ctx, sessions) })
}

func (k killedVault) Destroy(ctx context.Context, of events.Aggregate) error {
	return k.after(func() (string, error) { return "destroy-" + string(of.Kind), k.Vault.Destroy(ctx, of) })
}

func (k killedObjects) RemoveSession(ctx context.Context, id events.SessionID) (n int, err error) {
	err = k.after(func() (string, error) { n, err = k.Objects.RemoveSession(ctx, id); return "remove", err })
	return n, err
}

func (k killedLedger) Record(ctx context.Context, of events.Aggregate, at time.Time) error {
	return k.after(func() (string, error) { return "record-" + string(of.Kind), k.Ledger.Record(ctx, of, at) })
}

func (k killedSweeper) SecureDelete(ctx context.Context, at events.Position) error {
	return k.after(func() (string, error) { return "overwrite", k.Sweeper.SecureDelete(ctx, at) })
}

func (k killedCopies) Clean(ctx context.Context, of events.Aggregate, positions events.Numbers, turn func(context.Context) error) (copies []events.Copy, err error) {
	err = k.after(func() (string, error) {
		copies, err = k.Copies.Clean(ctx, of, positions, turn)
		return "clean-" + string(of.Kind), err
	})
	return copies, err
}

func (k killedSignIns) RevokeAll(ctx context.Context, of events.AccountID) error {
	return k.after(func() (string, error) { return "revoke", k.SignIns.RevokeAll(ctx, of) })
}

// erasersToBeKilled wait for a sign of life from the killed ones for a second only.
func erasersToBeKilled(k killer, in *instance) (all []duty) {
	log, store := in.backend.log, in.backend.store
	doors := eraserDoors(log, store, in.sideband)
	doors.Log, doors.Calls, doors.Vault = killedLog{log, k}, killedCalls{doors.Calls, k}, killedVault{doors.Vault, k}
	doors.Objects, doors.Ledger = killedObjects{store, k}, killedLedger{doors.Ledger, k}
	doors.Sweeper, doors.Copies, doors.SignIns = killedSweeper{log, k}, killedCopies{log, k}, killedSignIns{doors.SignIns, k}
	eraser := erasure.NewEraser(doors, rate.NewLimiter(rate.Inf, 1), time.Now, newEventID)
	for name, kinds := range map[string][]events.Kind{"eraser": eraser.BuryKinds(), "sweeper": eraser.SweepKinds()} {
		worker := jetstream.Worker{Name: name, Kinds: kinds, AckWait: time.Second, Handle: eraser.Handle, Trouble: func(_ events.Event, err error) {
			in.logger.Warn("an eraser that is to be killed failed", "error", err)
		}}
		all = append(all, duty{name, func(ctx context.Context) error { return log.Work(ctx, worker) }})
	}
	return all
}

// killed makes workers that kill the program.
type killed func(killer, *instance) []duty

// serveUntilKilled is serve with workers that kill it.
func serveUntilKilled(file string, workers killed, args []string) int {
	staff := func(in *instance) []duty { return workers(killer{&sync.Mutex{}, file}, in) }
	if err := serveBy(signalled(), terminal{os.Stdin, os.Stdout, os.Stderr, programEnviron()}, args, staff); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return exitOK
}

// killedAtEachStep runs the program on a folder over and over, until it was killed
// after the last step, and tells at which steps it was.
func killedAtEachStep(t *testing.T, who, dir, last string) (steps []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "steps")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for !slices.Contains(steps, last) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		cmd := exec.CommandContext(ctx, os.Args[0], "serve", "--data", dir, "--addr", "127.0.0.1:0", "--roles", "worker")
		cmd.Env = append(os.Environ(), who+"="+file)
		out, err := cmd.CombinedOutput()
		late := ctx.Err()
		cancel()
		text, read := os.ReadFile(file)
		before := len(steps)
		steps = strings.Fields(string(text))
		if status, is := cmd.ProcessState.Sys().(syscall.WaitStatus); !is || status.Signal() != syscall.SIGKILL || late != nil || read != nil || len(steps) != before+1 {
			t.Fatalf("after %v: %v, %v, %v\n%s", steps, err, late, read, out)
		}
	}
	return steps
}

// An erasure is killed after each of its steps, the whole program with it, and goes
// on where it was.
func TestErasureKilledAtEachStep(t *testing.T) {
	p := start(t, t.TempDir())
	p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	lea := signIn(t, p.base, "lea@example.org")
	deleted, other := lea.recorded(t), lea.recorded(t)
	lea.must(http.StatusCreated, "POST", "/api/topics", map[string]any{"title": "My divorce", "language": "en-US", "level": "B1"})
	p.stop()

	// idle has nobody who erases; what it is asked for it does not begin.
	idle := func() *program {
		next := startWith(t, p.dir, []string{"--roles", "web,projector"})
		lea.base, lea.cookie = next.base, rename(lea.cookie, next.base)
		return next
	}
	p = idle()
	deleted.must(http.StatusAccepted, "DELETE", deleted.path(""), nil)
	p.kill()
	t.Run("a session's", func(t *testing.T) {
		steps := killedAtEachStep(t, asKilledErasers, p.dir, "session_erased,swept")
		wantSteps(t, steps, "hang-up", "destroy-session", "remove", "record-session", "session_erased", "overwrite", "clean-session", "session_erased,swept")
	})
	p = idle()
	t.Run("leaves a receipt, and nothing else of it", func(t *testing.T) {
		wantRefused(t, deleted)
		wantSweptReceipt(t, lea.must(http.StatusOK, "GET", deleted.path("/receipt"), nil), map[string]float64{"keys": 1, "objects": 2, "events": 18})
		wantSegments(t, other)
	})
	receipt := lea.must(http.StatusAccepted, "DELETE", "/api/me", nil).text("receipt")
	p.kill()
	t.Run("an account's", func(t *testing.T) {
		steps := killedAtEachStep(t, asKilledErasers, p.dir, "account_erased,swept")
		wantSteps(t, steps, "revoke", "account_erasure_planned", "destroy-account", "hang-up", "destroy-session", "session_delete_requested",
			"remove", "record-session", "session_erased", "record-topic", "topic_erased", "audit_erased", "record-email", "claim_erased", "record-account", "account_erased",
			"overwrite", "clean-session", "clean-topic", "clean-audit", "clean-email", "clean-account",
			"session_erased,swept", "topic_erased,swept", "audit_erased,swept", "claim_erased,swept", "account_erased,counted", "account_erased,swept")
	})
	p = start(t, p.dir)
	t.Run("leaves its receipt, and nobody who could sign in", func(t *testing.T) {
		b := newBrowser(t, p.base)
		wantSweptReceipt(t, b.must(http.StatusOK, "POST", "/api/receipt", map[string]string{"receipt": receipt}), map[string]float64{"keys": 2, "sessions": 1, "topics": 1, "claims": 1, "objects": 2})
		b.refuse(http.StatusUnauthorized, "unauthenticated", "POST", "/api/sign-in", map[string]string{"email": "lea@example.org", "password": password})
		addAccount(t, p.dir, "lea@example.org", "learner") // her address is free
	})
	t.Run("and nothing comes back", func(t *testing.T) {
		for _, c := range []*conversation{deleted, other} {
			if out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", c.id); strings.Contains(out, "session_started") || strings.Count(out, "session_erased") != 2 {
				t.Errorf("of a session is left: %s", out)
			}
			lookFor(t, exitOK, p.dir, c.id, saidPhrase)
		}
		if out, errs, code := invoke(t, "", "verify", "--data", p.dir, "--json"); code != exitOK {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
	})
	p.stop()
}

// wantSteps compares without order: two workers go on at the same time.
func wantSteps(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
		t.Errorf("killed after %q\nwant %q", sorted, want)
	}
}

// wantSweptReceipt wants all dates in order, and these counts.
func wantSweptReceipt(t *testing.T, a answer, counts map[string]float64) {
	t.Helper()
	if asked, unreadable, swept := a.text("requested_at"), a.text("unreadable_at"), a.text("swept_at"); asked == "" || unreadable < asked || swept < unreadable {
		t.Errorf("%s", a)
	}
	removed, _ := a.json["removed"].([]any)
	got := map[string]float64{}
	for _, each := range removed {
		r := each.(map[string]any)
		got[r["what"].(string)] = r["count"].(float64)
	}
	for what, count := range counts {
		if got[what] != count {
			t.Errorf("%v %s, want %v: %s", got[what], what, count, a)
		}
	}
}
