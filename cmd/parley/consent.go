package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"

	"parley/events"
)

// consent is what a command that changes something needs before it does.
type consent struct {
	yes    bool // --yes
	dryRun bool // --dry-run
}

// errDryRun ends a command that was only asked what it would do.
var errDryRun = errors.New("nothing was changed")

// given asks the person at the terminal, after the plan was shown. Errors: errDryRun;
// CodeInvalid when nobody is there to ask, CodeConflict when the answer is no.
func (c consent) given(t terminal) error {
	switch {
	case c.dryRun:
		return errDryRun
	case c.yes:
		return nil
	case !onTerminal(t.in):
		return events.Errorf(events.CodeInvalid, "nothing was done: add --yes to do it, or --dry-run to only look")
	}
	fmt.Fprint(t.err, "Do it? [y/N] ")
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return events.Errorf(events.CodeConflict, "nothing was done")
	}
	return nil
}

// printPlan ends a dry run; the plan of a person is on the terminal already.
func printPlan(t terminal, will string, asJSON bool) error {
	if !asJSON {
		return nil
	}
	return json.NewEncoder(t.out).Encode(map[string]any{"will": will, "done": false})
}

// operator is who acts through a command: the user of this machine.
func operator() (events.Actor, error) {
	who, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find out who acts: %w", err)
	}
	return events.Actor("operator:" + who.Username), nil
}
