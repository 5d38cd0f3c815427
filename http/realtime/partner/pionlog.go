package partner

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLog hands what pion has to say to our logger. Its warnings are the
// daily life of a network, so everything below an error is for debugging.
type pionLog struct{ to *slog.Logger }

// NewLogger gives the logger of one part of pion.
func (p pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionScope{p.to.With("pion", scope)}
}

// pionScope is one part of pion.
type pionScope struct{ to *slog.Logger }

func (s pionScope) debug(text string) { s.to.Debug(text) }

// debugf leaves the formatting to the moment when somebody wants to read it.
func (s pionScope) debugf(format string, args ...any) {
	s.to.Debug("pion", "said", sentence{format, args})
}

type sentence struct {
	format string
	args   []any
}

// LogValue puts the sentence together.
func (s sentence) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf(s.format, s.args...)) }

func (s pionScope) Trace(string)                      {}
func (s pionScope) Tracef(string, ...any)             {}
func (s pionScope) Debug(text string)                 { s.debug(text) }
func (s pionScope) Debugf(format string, args ...any) { s.debugf(format, args...) }
func (s pionScope) Info(text string)                  { s.debug(text) }
func (s pionScope) Infof(format string, args ...any)  { s.debugf(format, args...) }
func (s pionScope) Warn(text string)                  { s.debug(text) }
func (s pionScope) Warnf(format string, args ...any)  { s.debugf(format, args...) }
func (s pionScope) Error(text string)                 { s.to.Error(text) }
func (s pionScope) Errorf(format string, args ...any) { s.to.Error(fmt.Sprintf(format, args...)) }
