package main

import (
	"fmt"
	"strings"
	"time"

	"parley/events"
)

// moment is a point of a session's past: a position of the log, or a time.
type moment struct {
	text string
	at   events.Position
	time time.Time // zero: at counts
}

// String is what was written.
func (m *moment) String() string { return m.text }

// Set reads a position, or a time as RFC 3339 has it.
func (m *moment) Set(text string) error {
	at, err := events.ParsePosition(text)
	if err == nil {
		*m = moment{text: text, at: at}
		return nil
	}
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("write a position as replay prints it (p2s), or a time (2026-03-14T09:26:53Z)")
	}
	*m = moment{text: text, time: when}
	return nil
}

func (m *moment) set() bool { return m.text != "" }

// holds tells whether an event had happened by then.
func (m *moment) holds(e events.Event) bool {
	if m.time.IsZero() {
		return e.Position <= m.at
	}
	return !e.Time.After(m.time)
}

// when it is, where last is the last event that it holds: what waits too long reads
// otherwise then, although nothing has happened.
func (m *moment) when(last events.Event) time.Time {
	if m.time.IsZero() {
		return last.Time
	}
	return m.time
}

// between joins the two ends of --diff.
const between = ".."

// span is what lies between two moments.
type span struct{ from, to moment }

// String is what was written.
func (s *span) String() string {
	if !s.set() {
		return ""
	}
	return s.from.text + between + s.to.text
}

// Set reads both ends as one word.
func (s *span) Set(text string) error {
	from, to, both := strings.Cut(text, between)
	if !both {
		return fmt.Errorf("write two positions or times: --diff A B")
	}
	if err := s.from.Set(from); err != nil {
		return err
	}
	return s.to.Set(to)
}

func (s *span) set() bool { return s.to.set() }

// pair makes one word of the two that follow --diff, as flags have one value.
func (s *span) pair(args []string) []string {
	var paired []string
	for i := 0; i < len(args); i++ {
		paired = append(paired, args[i])
		isDiff := args[i] == "--diff" || args[i] == "-diff"
		if isDiff && i+2 < len(args) && !strings.Contains(args[i+1], between) {
			paired = append(paired, args[i+1]+between+args[i+2])
			i += 2
		}
	}
	return paired
}
