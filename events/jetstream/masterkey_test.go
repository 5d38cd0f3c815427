package jetstream_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// commandPatience is more than a shell needs, and little to wait for one that
// hangs.
const commandPatience = 5 * time.Second

func TestMasterKeySources(t *testing.T) {
	n := eventstest.StartNATS(t)
	path, key := keyFile(t)
	sealed := mustSeal(t, vaultOn(t, n, jetstream.MasterKeyText(key)), annas)
	write := func(text string, mode os.FileMode) jetstream.MasterKey {
		other := filepath.Join(t.TempDir(), "master")
		writeKey(t, other, text)
		if err := os.Chmod(other, mode); err != nil {
			t.Fatal(err)
		}
		return jetstream.MasterKeyFile(other)
	}
	another := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", 32)))
	command := func(line string) jetstream.MasterKey { return jetstream.MasterKeyCommand(line, commandPatience) }
	for name, source := range map[string]jetstream.MasterKey{
		"a file":                        jetstream.MasterKeyFile(path),
		"a file with space around":      write("\n "+key+" \r\n", 0o600),
		"a file that not even we write": write(key, 0o400),
		"a text":                        jetstream.MasterKeyText(key),
		"with the next key behind":      jetstream.MasterKeyText(key + " " + another),
		"with the last key before":      write(another+"\n"+key, 0o600),
		"a command":                     command("echo " + key),
		"a command in parts":            command("cat " + path + " | head -c 100"),
	} {
		t.Run("taken: "+name, func(t *testing.T) { wantOpen(t, vaultOn(t, n, source), annas, sealed) })
	}
	for name, c := range map[string]struct {
		source jetstream.MasterKey
		want   string
	}{
		"another key":                   {jetstream.MasterKeyText(another), "is not the one"},
		"nothing":                       {write("", 0o600), "holds 0 keys"},
		"three keys":                    {write(key+" "+key+" "+key, 0o600), "holds 3 keys"},
		"31 bytes":                      {write(base64.StdEncoding.EncodeToString(make([]byte, 31)), 0o600), "is not 32 bytes"},
		"33 bytes":                      {write(base64.StdEncoding.EncodeToString(make([]byte, 33)), 0o600), "is not 32 bytes"},
		"hexadecimal":                   {write(strings.Repeat("a1", 32), 0o600), "is not 32 bytes"},
		"raw bytes":                     {write(strings.Repeat("\x01", 32), 0o600), "is not 32 bytes"},
		"a file that all can read":      {write(key, 0o604), "chmod 600"},
		"a file that its group writes":  {write(key, 0o660), "chmod 600"},
		"a folder":                      {jetstream.MasterKeyFile(t.TempDir()), "no file"},
		"a command that prints rubbish": {command("echo rubbish-" + key), "is not 32 bytes"},
		"a command that prints much":    {command("yes " + key + " | head -n 10000"), "keys, not one"},
		"a command that prints nothing": {command("true"), "holds 0 keys"},
		"a command that fails":          {command("echo " + key + "; echo " + key + " >&2; exit 3"), "exit status 3"},
		"a command that is not there":   {command("no-such-command"), "exit status 127"},
		"a command that is killed":      {command("kill -9 $$"), "killed"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			log := jetstream.New(n.Connect(), jetstream.Config{MasterKey: c.source})
			err := log.Open(t.Context())
			if events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if shown := fmt.Sprint(err); strings.Contains(shown, key) || strings.Contains(shown, "rubbish") || strings.Contains(shown, "\n") {
				t.Errorf("it repeats what it read, or is no sentence: %s", shown)
			}
		})
	}
	t.Run("refused: a command that hangs", func(t *testing.T) {
		hanging := jetstream.MasterKeyCommand("sleep 1000 & sleep 1000", impatient)
		log := jetstream.New(n.Connect(), jetstream.Config{MasterKey: hanging})
		if err := log.Open(t.Context()); events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), "did not end") {
			t.Errorf("got %v", err)
		}
	})
}

func TestMasterKeyChangesNothingWhenItIsRefused(t *testing.T) {
	n := eventstest.StartNATS(t)
	for name, key := range map[string]jetstream.MasterKey{
		"no key":               jetstream.MasterKeyText(""),
		"a command that fails": jetstream.MasterKeyCommand("exit 1", commandPatience),
	} {
		t.Run(name, func(t *testing.T) {
			log := jetstream.New(n.Connect(), jetstream.Config{MasterKey: key})
			if err := log.Open(t.Context()); events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("got %v", err)
			}
			if made := keyStreams(t, n); len(made) > 0 {
				t.Errorf("it made %v", made)
			}
		})
	}
}

func TestCheckMasterKey(t *testing.T) {
	n := eventstest.StartNATS(t)
	path, key := keyFile(t)
	vaultOn(t, n, jetstream.MasterKeyFile(path))
	found := map[string]map[string]string{
		"PARLEY_KEYS": rawStream(t, n.Connect(), "PARLEY_KEYS").CachedInfo().Config.Metadata,
		"PARLEY":      {"parley_epoch": "x"},
	}
	missing := jetstream.MasterKeyFile(path + ".gone")
	for name, c := range map[string]struct {
		key     jetstream.MasterKey
		streams map[string]map[string]string
		want    events.Code
	}{
		"the right one":                      {jetstream.MasterKeyText(key), found, ""},
		"another":                            {eventstest.MasterKey(), found, events.CodeInvalid},
		"a missing file":                     {missing, found, events.CodeInvalid},
		"any, where there is no vault yet":   {eventstest.MasterKey(), nil, ""},
		"a file that will be made":           {missing, nil, ""},
		"none, even where there is no vault": {jetstream.MasterKeyText("x"), nil, events.CodeInvalid},
		"any, for a vault without a check":   {jetstream.MasterKeyText(key), map[string]map[string]string{"PARLEY_KEYS_2": nil}, events.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if err := jetstream.CheckMasterKey(t.Context(), c.key, c.streams); events.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestVaultStatus(t *testing.T) {
	n := eventstest.StartNATS(t)
	path, _ := keyFile(t)
	v := vaultOn(t, n, jetstream.MasterKeyFile(path))
	mustSeal(t, v, annas)
	mustSeal(t, v, beas)
	mustDestroy(t, v, beas)
	if _, err := n.Connect().Request("parley_keys.1.session.broken", []byte("{}"), time.Minute); err != nil {
		t.Fatal(err)
	}
	status := func(t *testing.T) jetstream.VaultStatus {
		t.Helper()
		s, err := v.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := status(t); s.Generation != 1 || s.Keys != 1 || s.Destroyed != 1 || s.Unopened != 1 || s.Rotating || s.Vault == "" {
		t.Errorf("%+v", s)
	}
	t.Run("a rotation refuses a key that does not open, and keeps the old", func(t *testing.T) {
		if _, err := v.Rotate(t.Context(), whole); events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), "session.broken") {
			t.Errorf("got %v", err)
		}
		if s := status(t); s.Generation != 1 || !s.Rotating || s.Frozen {
			t.Errorf("%+v", s)
		}
	})
	t.Run("it is known as the same vault afterwards", func(t *testing.T) {
		before := status(t).Vault
		mustDestroy(t, v, events.Aggregate{Kind: "session", ID: "broken"})
		mustRotate(t, v)
		for s, err := v.Status(t.Context()); err != nil || s.Generation != 2; s, err = v.Status(t.Context()) { // this program takes it up by itself
			if err != nil && events.CodeOf(err) != events.CodeUnavailable { // the old stream is gone a moment before
				t.Fatal(err)
			}
			if t.Context().Err() != nil {
				t.Fatal("it stays with the old one")
			}
		}
		if s := status(t); s.Vault != before || s.Keys != 1 || s.Destroyed != 2 || s.Rotating {
			t.Errorf("%+v", s)
		}
	})
}
