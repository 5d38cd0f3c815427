package embedded

import (
	"bytes"
	"log/slog"
	"strings"
)

// speech passes on PostgreSQL's words line by line, and remembers those that say
// why it failed.
type speech struct {
	log     *slog.Logger
	partial []byte
	last    string
	final   bool // last is the reason, not just the latest line
}

// tones are the beginnings of lines by how loud they are passed on, and whether
// nothing that follows can say it better (initdb's "error:" included). What else
// is said belongs to the line before, or is of interest when one looks for it.
var tones = []struct {
	sign  string
	level slog.Level
	final bool
}{
	{"WARNING:", slog.LevelWarn, false},
	{"ERROR:", slog.LevelError, false},
	{"FATAL:", slog.LevelError, true},
	{"PANIC:", slog.LevelError, true},
	{"initdb: error:", slog.LevelError, true},
}

// Write implements io.Writer; os/exec calls it from one goroutine.
func (s *speech) Write(text []byte) (int, error) {
	s.partial = append(s.partial, text...)
	for {
		line, rest, whole := bytes.Cut(s.partial, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		s.hear(strings.TrimSpace(string(line)))
		s.partial = rest
	}
}

// end hears what was said without an end of line.
func (s *speech) end() {
	s.hear(strings.TrimSpace(string(s.partial)))
	s.partial = nil
}

func (s *speech) hear(line string) {
	if line == "" {
		return
	}
	level, final := slog.LevelDebug, false
	for _, tone := range tones {
		if strings.HasPrefix(line, tone.sign) {
			level, final = tone.level, tone.final
		}
	}
	s.pass(level, "postgres: "+line)
	if !s.final {
		s.last, s.final = line, final
	}
}

// pass is slog's Log for those who have no context.
func (s *speech) pass(level slog.Level, line string) {
	switch level {
	case slog.LevelError:
		s.log.Error(line)
	case slog.LevelWarn:
		s.log.Warn(line)
	default:
		s.log.Debug(line)
	}
}
