package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/events"
)

// namesIn is what lies in a folder.
func namesIn(t *testing.T, dir string) string {
	t.Helper()
	there, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range there {
		names = append(names, file.Name())
	}
	return strings.Join(names, " ")
}

func TestKeysOfABackupLieApart(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	kept, deleted := ada.silentSession(), ada.silentSession()
	top := t.TempDir()
	in := func(name string) string { return filepath.Join(top, name) }
	backup := func(name string) (said string) {
		t.Helper()
		said, errs, code := invoke(t, "", "backup", "--data", p.dir, "--to", in(name), "--keys-to", in(name+"-keys"))
		if code != exitOK {
			t.Fatalf("exit %d, %s%s", code, said, errs)
		}
		return said
	}
	t.Run("are written where nothing else is", func(t *testing.T) {
		if said := backup("first"); !strings.Contains(said, "its keys are in "+in("first-keys")) {
			t.Errorf("said %s", said)
		}
		if got := namesIn(t, in("first")); got != "ledger.snapshot log.snapshot manifest.json" {
			t.Errorf("beside the log lie %s", got)
		}
		if got := namesIn(t, in("first-keys")); got != "keys.snapshot" {
			t.Errorf("apart lie %s", got)
		}
	})
	t.Run("are not written over others", func(t *testing.T) {
		_, errs, code := invoke(t, "", "backup", "--data", p.dir, "--to", in("third"), "--keys-to", in("first-keys"))
		if code != exitFailed || !strings.Contains(errs, "not empty") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
	deleted.must(202, "DELETE", deleted.path(""), nil)
	p.untilSwept(t, events.SessionID(deleted.id))
	backup("second")
	last := p.lastPosition(t)
	p.stop()
	lose(t, p.dir, "nats")
	lose(t, p.dir, "postgres")
	t.Run("a restore without them says where to name them", func(t *testing.T) {
		refuseRestore(t, "--keys-from", p.dir, in("first"), "--accept-older-ledger")
		refuseRestore(t, "--keys-from", p.dir, in("first"), "--accept-older-ledger", "--keys-from", top)
	})
	t.Run("keys of another backup are noticed", func(t *testing.T) {
		refuseRestore(t, "keys.snapshot", p.dir, in("first"), "--accept-older-ledger", "--keys-from", in("second-keys"))
	})
	t.Run("a newer ledger needs no keys of its backup", func(t *testing.T) {
		lose(t, in("second-keys"))
		if r := putBackWell(t, p.dir, in("first"), "--keys-from", in("first-keys"), "--ledger", in("second")); r.Erased != 1 || r.Filtered != 1 {
			t.Errorf("%+v", r)
		}
	})
	p = p.again(t)
	kept.browser = signIn(t, p.base, "ada@example.org")
	deleted.browser = kept.browser
	at := min(last, p.lastPosition(t))
	kept.must(200, "GET", kept.path("?min_position="+at.String()), nil)
	wantRestored(t, p, kept, deleted)
	p.stop()
}
