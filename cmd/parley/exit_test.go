package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/projections/postgres"
)

func TestExitCode(t *testing.T) {
	away := events.Errorf(events.CodeUnavailable, "away")
	for name, c := range map[string]struct {
		err  error
		code int
		said bool // nothing is left to print
	}{
		"fine":                            {nil, exitOK, true},
		"asked for help":                  {flag.ErrHelp, exitOK, true},
		"a flag that is none":             {errUsage, exitUsage, true},
		"misused":                         {misused("name a folder"), exitUsage, false},
		"found, and printed":              {errFound, exitFound, true},
		"found":                           {finds("%d rows differ", 2), exitFound, false},
		"found, and more went wrong":      {errors.Join(finds("2 rows differ"), away), exitFound, false},
		"not all could be looked at":      {errMissed, exitMissed, true},
		"no instance":                     {fmt.Errorf("data: %w", embedded.ErrNotRunning), exitUnreachable, false},
		"a server that does not answer":   {away, exitUnreachable, false},
		"the same, within":                {within("restore", away), exitUnreachable, false},
		"refused":                         {events.Errorf(events.CodeConflict, "it has ended already"), exitFailed, false},
		"an error of the system's":        {errors.New("disk full"), exitFailed, false},
		"nothing was done without --yes":  {consent{}.given(terminal{in: strings.NewReader("")}), exitFailed, false},
		"what was only asked, by mistake": {errDryRun, exitFailed, false},
	} {
		if code, said := exitCode(c.err), isSaid(c.err); code != c.code || said != c.said {
			t.Errorf("%s: exit %d, said %t", name, code, said)
		}
	}
}

// Each row is a command as an operator might type it.
func TestExitCodesOfCommands(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	poisoned := ada.silentSession()
	const nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	backup := filepath.Join(t.TempDir(), "backup")
	type row struct {
		args []string
		code int
	}
	try := func(rows ...row) {
		for _, r := range rows {
			args := r.args
			if !strings.HasPrefix(args[0], "-") && args[0] != "help" && args[0] != "version" && args[0] != "paint" {
				args = append(args, "--data", p.dir)
			}
			out, errs, code := invoke(t, "", args...)
			if code != r.code || code != exitOK && code != exitFound && errs == "" {
				t.Errorf("%v: exit %d, want %d: %s%s", args, code, r.code, out, errs)
			}
		}
	}
	try(
		row{[]string{"help"}, exitOK},
		row{[]string{"--help"}, exitOK},
		row{[]string{"status", "--help"}, exitOK},
		row{[]string{"version"}, exitOK},
		row{[]string{"status"}, exitOK},
		row{[]string{"doctor"}, exitOK},
		row{[]string{"verify"}, exitOK},
		row{[]string{"dead-letters"}, exitOK},
		row{[]string{"recover"}, exitOK},
		row{[]string{"objects", "check"}, exitOK},
		row{[]string{"backup", "--to", backup}, exitOK},

		row{[]string{"backup", "--to", backup}, exitFailed}, // it is not empty
		row{[]string{"rebuild"}, exitFailed},                // nobody agreed
		row{[]string{"restore", "--from", t.TempDir()}, exitFailed},
		row{[]string{"replay", nobody}, exitFailed},
		row{[]string{"recover", "--session", nobody, "--end", "--yes"}, exitFailed},

		row{[]string{"paint"}, exitUsage},
		row{[]string{"status", "--colour"}, exitUsage},
		row{[]string{"replay"}, exitUsage},
		row{[]string{"replay", "none"}, exitUsage},
		row{[]string{"replay", nobody, "--until", "yesterday"}, exitUsage},
		row{[]string{"recover", "--end"}, exitUsage},
		row{[]string{"recover", "--session", nobody, "--end", "--finalize"}, exitUsage},
		row{[]string{"dead-letters", "again"}, exitUsage},
		row{[]string{"dead-letters", "retry", "session"}, exitUsage},
		row{[]string{"backup"}, exitUsage},
		row{[]string{"restore"}, exitUsage},
		row{[]string{"erase"}, exitUsage},
		row{[]string{"keys"}, exitUsage},
		row{[]string{"objects"}, exitUsage},
		row{[]string{"audit", "all"}, exitUsage},
		row{[]string{"account", "add", "--email", "x@example.org"}, exitUsage},
	)
	p.byHand(t, "update parley.sessions set language = 'xx'")
	p.poison(t, poisoned.id)
	at := p.lastPosition(t)
	ada.must(http.StatusOK, "GET", poisoned.path("?min_position="+at.String()), nil)
	try(
		row{[]string{"verify"}, exitFound},
		row{[]string{"rebuild", "--yes"}, exitFound},
		row{[]string{"dead-letters", "retry"}, exitFound},
		row{[]string{"doctor", "--addr", "0.0.0.0:1"}, exitFound},
	)
	p.stop()
	try(
		row{[]string{"status"}, exitUnreachable},
		row{[]string{"verify"}, exitUnreachable},
		row{[]string{"backup", "--to", t.TempDir()}, exitUnreachable},
		row{[]string{"doctor"}, exitFound},
	)
}

// What only says what it would do says it to scripts too.
func TestDryRunsAreJSON(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.silentSession()
	backup := filepath.Join(t.TempDir(), "backup")
	backedUp(t, p.dir, backup)
	type planned struct {
		Will any
		Done bool
	}
	for _, args := range [][]string{
		{"rebuild"}, {"rebuild", "--back"}, {"keys", "rotate"},
		{"recover", "--session", c.id, "--end"}, {"erase", c.id},
	} {
		plan := tell[planned](t, exitOK, append(args, "--data", p.dir, "--json", "--dry-run")...)
		if plan.Will == nil || plan.Will == "" || plan.Done {
			t.Errorf("%v: %+v", args, plan)
		}
	}
	if out, errs, code := invoke(t, "", "objects", "sweep", "--data", p.dir, "--json", "--dry-run"); out+errs != "" || code != exitOK {
		t.Errorf("there is nothing to sweep: exit %d, %s%s", code, out, errs)
	}
	if v := tell[map[string]string](t, exitOK, "version", "--json"); v["version"] != version {
		t.Errorf("%v", v)
	}
	p.stop()
	if plan := tell[planned](t, exitOK, "restore", "--data", p.dir, "--from", backup, "--replace", "--json", "--dry-run"); plan.Will == nil || plan.Done {
		t.Errorf("restore: %+v", plan)
	}
}

func TestDeadLettersSayWhenTheyAreCut(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.startSession()
	list := func(json ...string) (lines int, errs string) {
		t.Helper()
		at := p.lastPosition(t)
		ada.must(http.StatusOK, "GET", c.path("?min_position="+at.String()), nil)
		out, errs, code := invoke(t, "", append([]string{"dead-letters", "--data", p.dir}, json...)...)
		if code != exitOK {
			t.Fatalf("exit %d, %s%s", code, out, errs)
		}
		return strings.Count(out, "\n"), errs
	}
	waiting := func() (letters, all int) {
		t.Helper()
		var l struct {
			Letters []any
			Waiting int
		}
		if err := json.Unmarshal(ada.must(http.StatusOK, "GET", "/api/ops/dead-letters", nil).raw, &l); err != nil {
			t.Fatal(err)
		}
		return len(l.Letters), l.Waiting
	}
	for range postgres.MaxPage {
		p.poison(t, c.id)
	}
	if n, errs := list("--json"); n != postgres.MaxPage || errs != "" {
		t.Errorf("%d lines, %s", n, errs)
	}
	if n, all := waiting(); n != postgres.MaxPage || all != n {
		t.Errorf("%d of %d", n, all)
	}
	p.poison(t, c.id)
	want := fmt.Sprintf("the first %d of %d dead letters", postgres.MaxPage, postgres.MaxPage+1)
	if n, errs := list("--json"); n != postgres.MaxPage || !strings.Contains(errs, want) {
		t.Errorf("%d lines, %s", n, errs)
	}
	if n, errs := list(); n != postgres.MaxPage+1 || !strings.Contains(errs, want) { // a heading
		t.Errorf("%d lines, %s", n, errs)
	}
	if n, all := waiting(); n != postgres.MaxPage || all != n+1 {
		t.Errorf("%d of %d", n, all)
	}
	p.stop()
}
