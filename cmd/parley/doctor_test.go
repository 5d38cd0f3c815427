package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/events/eventstest"
)

// verdicts reads what doctor --json says, by check.
func verdicts(t *testing.T, args ...string) (worst map[string]finding, code int) {
	t.Helper()
	out, _, code := invoke(t, "", append([]string{"doctor", "--json"}, args...)...)
	worst = map[string]finding{}
	rank := map[verdict]int{fine: 1, notice: 2, problem: 3}
	for line := range strings.Lines(out) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if rank[f.Verdict] > rank[worst[f.Check].Verdict] {
			worst[f.Check] = f
		}
		if f.Verdict != fine && f.Cure == "" {
			t.Errorf("%+v has no cure", f)
		}
	}
	return worst, code
}

func TestDoctor(t *testing.T) {
	p := start(t, t.TempDir())
	t.Run("all is well", func(t *testing.T) {
		found, code := verdicts(t, "--data", p.dir)
		for _, check := range []string{"configuration", "microphone", "data folder", "master key", "log", "nats", "durability", "postgresql", "store", "clock", "identity"} {
			if found[check].Verdict != fine {
				t.Errorf("%s: %+v", check, found[check])
			}
		}
		if code != exitOK {
			t.Errorf("exit %d", code)
		}
	})
	t.Run("an address that gives no microphone", func(t *testing.T) {
		if found, code := verdicts(t, "--data", p.dir, "--addr", "0.0.0.0:8787"); found["microphone"].Verdict != problem || code != exitFound {
			t.Errorf("exit %d, %+v", code, found["microphone"])
		}
	})
	t.Run("a master key that others can read", func(t *testing.T) {
		path := filepath.Join(p.dir, "keys", "master")
		open(t, path, 0o644)
		if found, code := verdicts(t, "--data", p.dir); found["master key"].Cure != "chmod 600 "+path || code != exitFound {
			t.Errorf("exit %d, %+v", code, found["master key"])
		}
	})
	t.Run("a master key that is another", func(t *testing.T) {
		t.Setenv("PARLEY_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
		if found, code := verdicts(t, "--data", p.dir); found["log"].Verdict != problem || code != exitFound {
			t.Errorf("exit %d, %+v", code, found["log"])
		}
	})
	t.Run("wrong variables, each on a line", func(t *testing.T) {
		t.Setenv("PARLEY_MODLE", "x")
		if found, code := verdicts(t, "--data", p.dir); !strings.Contains(found["configuration"].Says, "PARLEY_MODLE") || code != exitFound {
			t.Errorf("exit %d, %+v", code, found["configuration"])
		}
	})
	t.Run("a folder that others can write", func(t *testing.T) {
		open(t, p.dir, 0o733)
		if found, code := verdicts(t, "--data", p.dir); found["data folder"].Verdict != problem || code != exitFound {
			t.Errorf("exit %d, %+v", code, found["data folder"])
		}
	})
	t.Run("nothing runs", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new")
		found, code := verdicts(t, "--data", dir)
		if found["servers"].Verdict != problem || found["data folder"].Verdict != notice || code != exitFound {
			t.Errorf("exit %d, %+v", code, found)
		}
		if out, _, _ := invoke(t, "", "doctor", "--data", dir); !strings.Contains(out, "→ start it") {
			t.Errorf("printed %s", out)
		}
	})
}

// open gives a file or folder another mode while the test runs.
func open(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(path, before.Mode().Perm()); err != nil {
			t.Error(err)
		}
	})
}

func TestMicrophone(t *testing.T) {
	for name, c := range map[string]struct {
		public, addr string
		want         verdict
	}{
		"nothing said":              {"", "", fine},
		"loopback":                  {"", "127.0.0.1:8787", fine},
		"loopback of version 6":     {"", "[::1]:8787", fine},
		"every address":             {"", ":8787", problem},
		"an address of the network": {"", "192.168.1.7:8787", problem},
		"no address":                {"", "8787", problem},
		"behind TLS":                {"https://parley.example", "0.0.0.0:8787", fine},
		"public without TLS":        {"http://parley.example", "127.0.0.1:8787", problem},
		"public on this machine":    {"http://127.0.0.1:5173", "127.0.0.1:8787", fine},
	} {
		t.Run(name, func(t *testing.T) {
			if got := examineAddress(Config{PublicURL: c.public}, c.addr); got.Verdict != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestServersOfTheirOwn(t *testing.T) {
	for version, want := range map[string]verdict{"2.15.2": fine, "2.16.0-dev": fine, "3.0.0": fine, "2.15.1": problem, "2.9.30": problem, "dev": notice} {
		if got := natsVersion(version); got.Verdict != want {
			t.Errorf("%s: %+v", version, got)
		}
	}
	asked, answered := eventstest.Began, eventstest.Began.Add(2*time.Second)
	middle := asked.Add(time.Second)
	for off, want := range map[time.Duration]verdict{
		0: fine, skewSmall - time.Millisecond: fine, skewSmall: notice, -skewSmall: notice,
		skewLarge - time.Millisecond: notice, skewLarge: problem, -skewLarge: problem,
	} {
		if got := skew("log", middle.Add(off), asked, answered); got.Verdict != want {
			t.Errorf("%s: %+v", off, got)
		}
	}
}
