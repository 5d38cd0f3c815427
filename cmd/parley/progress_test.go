package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// aTerminal is a terminal as a shell gives one to a command; shown is what stands on it
// once the command has let go.
func aTerminal(t *testing.T) (end *os.File, shown func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	end, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := make(chan string, 1)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, master) // the last end's closing reads as an I/O error
		text <- all.String()
	}()
	return end, func() string {
		if err := end.Close(); err != nil {
			t.Error(err)
		}
		said := <-text
		if err := master.Close(); err != nil {
			t.Error(err)
		}
		return said
	}
}

// onATerminal runs a command with a person at its other end.
func onATerminal(t *testing.T, args ...string) (stdout, screen string) {
	t.Helper()
	end, shown := aTerminal(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, end
	err := cmd.Run()
	screen = shown()
	if code := cmd.ProcessState.ExitCode(); code != exitOK && code != exitFound {
		t.Fatalf("%v: %v\n%s%s", args, err, &out, screen)
	}
	return out.String(), screen
}

// A bar is drawn up to its end for a person, and never for a script.
func TestProgress(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	poisoned, first, second := ada.startSession(), ada.silentSession(), ada.silentSession()
	p.poison(t, poisoned.id)
	at := p.lastPosition(t)
	ada.must(http.StatusOK, "GET", poisoned.path("?min_position="+at.String()), nil)
	full := strings.Repeat("#", barWidth) + "]"
	drawn := func(screen string, bars ...string) {
		t.Helper()
		for _, bar := range bars {
			if !strings.Contains(screen, bar+" ["+full) {
				t.Errorf("no bar %q came to its end on\n%q", bar, screen)
			}
		}
	}
	for name, c := range map[string]struct {
		shown, unseen []string // the same, once for a person and once for a script
		bars          []string
	}{
		"backup": {[]string{"backup", "--to", filepath.Join(t.TempDir(), "a")}, []string{"backup", "--to", filepath.Join(t.TempDir(), "b")},
			[]string{"writing log.snapshot", "writing keys.snapshot", "trying log.snapshot"}},
		"rebuild":      {[]string{"rebuild", "--yes"}, []string{"rebuild", "--yes"}, []string{"filling"}},
		"retry":        {[]string{"dead-letters", "retry"}, []string{"dead-letters", "retry"}, []string{"trying again"}},
		"recover":      {[]string{"recover"}, []string{"recover"}, []string{"reading the log"}},
		"erase, swept": {[]string{"erase", first.id, "--yes", "--wait", "swept"}, []string{"erase", second.id, "--yes", "--wait", "swept"}, []string{"sweeping"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, screen := onATerminal(t, append(c.shown, "--data", p.dir)...)
			drawn(screen, c.bars...)
			piped, errs, code := invoke(t, "", append(c.unseen, "--data", p.dir)...)
			if strings.Contains(out+piped+errs, "#") || code == exitFailed {
				t.Errorf("exit %d, a bar where nobody looks: %s%s%s", code, out, piped, errs)
			}
		})
	}
	saved := filepath.Join(t.TempDir(), "saved")
	backedUp(t, p.dir, saved)
	p.stop()
	t.Run("restore", func(t *testing.T) {
		_, screen := onATerminal(t, "restore", "--data", p.dir, "--from", saved, "--replace", "--yes")
		drawn(screen, "restoring log.snapshot", "erasing again")
		_, errs, code := invoke(t, "", "restore", "--data", p.dir, "--from", saved, "--replace", "--yes")
		if code != exitOK || errs != "" {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
}

func TestBar(t *testing.T) {
	for want, got := range map[string]string{
		"reading [..............................] 0 of 10":                bar("reading", 0, 10, 0),
		"reading [###############...............] 5 of 10, 1/s, 5s left":  bar("reading", 5, 10, 5*time.Second),
		"reading [##############################] 10 of 10, 2/s, 0s left": bar("reading", 11, 10, 5*time.Second),
		"reading [###############...............] 500 of 1000":            bar("reading", 500, 1000, 999*time.Millisecond),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
