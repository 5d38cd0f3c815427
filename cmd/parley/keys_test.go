package main

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/events/jetstream"
)

// contentsOf is every file of a folder, by its hash.
func contentsOf(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	found := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func masterFile(dir string) string { return filepath.Join(keyFolder(dir), "master") }

func TestServeWithoutItsMasterKey(t *testing.T) {
	p := start(t, t.TempDir())
	p.stop()
	right, err := os.ReadFile(masterFile(p.dir))
	if err != nil {
		t.Fatal(err)
	}
	wrong := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("w", masterLength)))
	for name, c := range map[string]struct {
		file string // empty: it is gone
		env  string
		want string
	}{
		"a missing file":           {"", "", "is missing"},
		"a wrong file":             {wrong, "", "is not the one"},
		"a wrong variable":         {string(right), "PARLEY_MASTER_KEY=" + wrong, "is not the one"},
		"a command of a wrong key": {string(right), "PARLEY_MASTER_KEY_COMMAND=echo " + wrong, "is not the one"},
		"a command that fails":     {string(right), "PARLEY_MASTER_KEY_COMMAND=exit 4", "exit status 4"},
		"two sources":              {string(right), "PARLEY_MASTER_KEY_COMMAND=exit 4;PARLEY_MASTER_KEY=" + wrong, "unset one"},
	} {
		t.Run(name+" is one sentence, and changes nothing", func(t *testing.T) {
			lose(t, masterFile(p.dir))
			if c.file != "" {
				if err := os.WriteFile(masterFile(p.dir), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, v := range strings.Split(c.env, ";") {
				if name, value, is := strings.Cut(v, "="); is {
					t.Setenv(name, value)
				}
			}
			before := contentsOf(t, p.dir)
			out, errs, code := invoke(t, "", "serve", "--data", p.dir, "--addr", "127.0.0.1:0")
			if code != exitFailed || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) || strings.Contains(errs, wrong) {
				t.Errorf("exit %d, %q, %q", code, out, errs)
			}
			if diff := cmp.Diff(before, contentsOf(t, p.dir)); diff != "" {
				t.Errorf("the data folder changed:\n%s", diff)
			}
		})
	}
}

func TestKeysRotate(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	kept, deleted := ada.silentSession(), ada.silentSession()
	early := filepath.Join(t.TempDir(), "early")
	backedUp(t, p.dir, early)
	old, err := os.ReadFile(masterFile(p.dir))
	if err != nil {
		t.Fatal(err)
	}
	deleted.must(202, "DELETE", deleted.path(""), nil)
	p.untilSwept(t, events.SessionID(deleted.id))
	before := tell[jetstream.VaultStatus](t, exitOK, "keys", "status", "--data", p.dir, "--json")

	t.Run("asks first", func(t *testing.T) {
		if _, errs, code := invoke(t, "", "keys", "rotate", "--data", p.dir); code != exitFailed || !strings.Contains(errs, "--yes") {
			t.Errorf("exit %d, %s", code, errs)
		}
		if out, errs, code := invoke(t, "", "keys", "rotate", "--data", p.dir, "--dry-run"); code != exitOK || !strings.Contains(out, "generation 1") {
			t.Errorf("exit %d, %s%s", code, out, errs)
		}
	})
	done := tell[jetstream.Rotated](t, exitOK, "keys", "rotate", "--data", p.dir, "--yes", "--json")
	if done.From != 1 || done.To != 2 || done.Keys != before.Keys || done.Destroyed != before.Destroyed || done.KeyIsLeft {
		t.Errorf("%+v of %+v", done, before)
	}
	t.Run("the program goes on", func(t *testing.T) {
		wantSegments(t, kept)
		wantSegments(t, ada.silentSession())
		after := tell[jetstream.VaultStatus](t, exitOK, "keys", "status", "--data", p.dir, "--json")
		if after.Generation != 2 || after.Vault != before.Vault || after.Unopened != 0 {
			t.Errorf("%+v", after)
		}
	})
	late := filepath.Join(t.TempDir(), "late")
	m := backedUp(t, p.dir, late)
	if got := m.of(jetstream.KeyStream).Stream; got != "PARLEY_KEYS_2" || m.Vault != before.Vault {
		t.Errorf("the backup holds the keys of %s", got)
	}
	p.stop()

	t.Run("the old master key opens nothing", func(t *testing.T) {
		t.Setenv("PARLEY_MASTER_KEY", strings.TrimSpace(string(old)))
		if _, errs, code := invoke(t, "", "serve", "--data", p.dir, "--addr", "127.0.0.1:0"); code != exitFailed || !strings.Contains(errs, "is not the one") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
	t.Run("a backup from before is restored under the keys that are here", func(t *testing.T) {
		putBackWell(t, p.dir, early, "--replace")
	})
	lose(t, p.dir, "nats")
	lose(t, p.dir, "postgres")
	t.Run("without them it needs its own master key", func(t *testing.T) {
		refuseRestore(t, "in use when it was made", p.dir, early, "--ledger", late)
	})
	t.Run("a backup from afterwards is restored whole", func(t *testing.T) {
		putBackWell(t, p.dir, late, "--accept-older-ledger")
		next := p.again(t)
		kept.browser = signIn(t, next.base, "ada@example.org")
		deleted.browser = kept.browser
		kept.must(200, "GET", kept.path("?min_position="+m.of(jetstream.LogStream).Last.String()), nil) // the read models begin empty
		wantRestored(t, next, kept, deleted)
	})
}
