package main

import (
	"io"
	"log/slog"
)

// newLogger writes to the terminal's error side; the other one is for results.
func newLogger(c Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
