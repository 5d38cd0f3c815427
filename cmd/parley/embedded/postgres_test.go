package embedded

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPostgresBinaries(t *testing.T) {
	t.Run("missing everywhere: the error says how to get them", func(t *testing.T) {
		_, err := firstInstallation(t.Context(), []string{t.TempDir(), "/nowhere"})
		wantError(t, err, "npm ci")
	})

	t.Run("missing where they are said to be: the error names the variable", func(t *testing.T) {
		_, err := findInstallation(t.Context(), t.TempDir())
		wantError(t, err, "PARLEY_POSTGRES_BIN")
	})

	t.Run("too old: the error names the version", func(t *testing.T) {
		_, err := findInstallation(t.Context(), impostor(t, "echo 'postgres (PostgreSQL) 14.9'"))
		wantError(t, err, "is version 14")
	})

	t.Run("old enough: found", func(t *testing.T) {
		found, err := findInstallation(t.Context(), impostor(t, "echo 'postgres (PostgreSQL) 15.0'"))
		if err != nil {
			t.Fatal(err)
		}
		if found.major != oldestPostgres {
			t.Errorf("got version %d, want %d", found.major, oldestPostgres)
		}
	})

	t.Run("broken: the error repeats what they say", func(t *testing.T) {
		_, err := findInstallation(t.Context(), impostor(t, "echo 'libicuuc.so.60: not found'; exit 127"))
		wantError(t, err, "libicuuc.so.60: not found")
	})
}

// impostor is a folder whose programs only run script.
func impostor(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for _, program := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPostgresCluster(t *testing.T) {
	t.Run("of another version is refused, with the way out", func(t *testing.T) {
		folder := open(t, t.TempDir())
		dir := filepath.Join(folder.Path(), "postgres")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(folder, configForTests()).Start(t.Context())
		wantError(t, err, "was made by PostgreSQL 9")
	})

	t.Run("of which only half was made is made anew", func(t *testing.T) {
		folder := open(t, t.TempDir())
		unfinished := filepath.Join(folder.Path(), "postgres.new")
		if err := os.MkdirAll(filepath.Join(unfinished, "base"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, connection := start(t, folder, configForTests())
		var one int
		if err := dialPostgres(t, connection).QueryRow(t.Context(), "select 1").Scan(&one); err != nil {
			t.Error(err)
		}
	})

	t.Run("is served from a folder that is closed to others", func(t *testing.T) {
		closed := filepath.Join(t.TempDir(), "closed")
		if err := os.Mkdir(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		start(t, open(t, filepath.Join(closed, "data")), configForTests())
	})

	t.Run("is served by binaries that are closed to others", func(t *testing.T) {
		servers := New(open(t, t.TempDir()), configForTests())
		if err := servers.postgres.find(t.Context()); err != nil {
			t.Fatal(err)
		}
		config := configForTests()
		config.PostgresBin = copyClosed(t, servers.postgres.server.bin)
		start(t, servers.folder, config)
	})

	t.Run("syncs, and knows letters beyond ASCII", func(t *testing.T) {
		_, connection := start(t, open(t, t.TempDir()), configForTests())
		db := dialPostgres(t, connection)
		for question, want := range map[string]string{"show fsync": "on", "show synchronous_commit": "on", "show server_encoding": "UTF8"} {
			var got string
			if err := db.QueryRow(t.Context(), question).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: got %s, want %s", question, got, want)
			}
		}
	})
}

// copyClosed copies an installation to where only we can read and run it.
func copyClosed(t *testing.T, bin string) string {
	t.Helper()
	from, to := filepath.Dir(bin), filepath.Join(t.TempDir(), "native")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"initdb", "postgres"} {
		if err := os.Chmod(filepath.Join(to, "bin", program), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(to, "bin")
}
