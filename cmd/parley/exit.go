package main

import (
	"errors"
	"flag"
	"fmt"

	"parley/cmd/parley/embedded"
	"parley/events"
)

// Exit codes that scripts can use; the README promises them.
const (
	exitOK          = 0
	exitFailed      = 1 // it failed, or was refused
	exitUsage       = 2 // the command line cannot be understood
	exitFound       = 3 // it did its work, and found what a person should look at
	exitUnreachable = 4 // no instance runs there, or a server does not answer
	exitMissed      = 5 // it found nothing, and could not look everywhere
)

// errUsage is a command line that cannot be understood; what was wrong is
// already on the terminal.
var errUsage = errors.New("usage")

// told is an errUsage or an errFound with words that are not on the terminal yet.
type told struct {
	as   error
	says string
}

// Error is what it says.
func (e told) Error() string { return e.says }

// Is makes it the error that it stands for.
func (e told) Is(target error) bool { return target == e.as }

// misused is a command line of which every word is known, and which makes no sense.
func misused(format string, v ...any) error { return told{errUsage, fmt.Sprintf(format, v...)} }

// finds ends a command that did its work and found something.
func finds(format string, v ...any) error { return told{errFound, fmt.Sprintf(format, v...)} }

// exitCode is what a command's end means to a script.
func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errMissed):
		return exitMissed
	case events.CodeOf(err) == events.CodeUnavailable, errors.Is(err, embedded.ErrNotRunning):
		return exitUnreachable
	}
	return exitFailed
}

// isSaid tells whether all that there is to say of an end is on the terminal.
func isSaid(err error) bool {
	var words told
	silent := err == nil || errors.Is(err, flag.ErrHelp) || errors.Is(err, errUsage) || errors.Is(err, errFound) || errors.Is(err, errMissed)
	return silent && !errors.As(err, &words)
}
