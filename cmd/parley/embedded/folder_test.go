package embedded

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	t.Run("makes the folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a", "b")
		if got := open(t, dir).Path(); got != dir {
			t.Errorf("got %s, want %s", got, dir)
		}
	})

	t.Run("refuses a second instance and names the first", func(t *testing.T) {
		dir := t.TempDir()
		open(t, dir)
		output, err := instance(dir).Output()
		if err == nil {
			t.Error("the second instance started")
		}
		wantSentence(t, strings.TrimSpace(string(output)), "is in use by process "+strconv.Itoa(os.Getpid()))
	})

	t.Run("succeeds after the first instance let go", func(t *testing.T) {
		dir := t.TempDir()
		if err := open(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
		open(t, dir)
	})

	t.Run("refuses a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		wantError(t, err, "cannot be made")
	})

	t.Run("refuses a folder that is open to everyone", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		wantError(t, err, "chmod 700 "+dir)
	})

	t.Run("refuses a folder without rights", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		cmd := instance(dir)
		cmd.Stderr = nil
		cmd.SysProcAttr = childAttributes(somebodyElse(t))
		said, err := runChild(t.Context(), cmd)
		if err == nil {
			t.Error("the instance started")
		}
		wantSentence(t, said, "cannot be written")
	})

	t.Run("refuses damaged passwords", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(keptPath(dir), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		wantError(t, err, "is damaged")
	})
}

func TestRoom(t *testing.T) {
	t.Run("is enough when the need is met", func(t *testing.T) {
		if err := checkRoom(t.TempDir(), 0); err != nil {
			t.Error(err)
		}
	})
	t.Run("is refused when the disk is full", func(t *testing.T) {
		wantError(t, checkRoom(t.TempDir(), math.MaxUint64), "is full")
	})
}

// somebodyElse is who stands in for us where rights matter: root has all of them.
func somebodyElse(t *testing.T) (*account, passage) {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil, openWay
	}
	who := installation{}
	if err := who.runAs(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return who.user, closedFolders
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Fatal("it succeeded")
	}
	wantSentence(t, err.Error(), part)
}

// wantSentence checks for what an operator reads: one line that says part.
func wantSentence(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) || strings.Contains(text, "\n") {
		t.Errorf("got %q, want one line with %q", text, part)
	}
}
