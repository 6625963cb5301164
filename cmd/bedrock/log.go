package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
)

// logLevel is the level that a name stands for; by default light clients, which people run in a terminal, only warn.
func logLevel(name string, role config.Role, verbose bool) slog.Level {
	level := slog.LevelInfo
	if role == config.Light {
		level = slog.LevelWarn
	}
	switch {
	case verbose:
		return slog.LevelDebug
	case name != "":
		_ = level.UnmarshalText([]byte(name)) // the table of settings knows the names
	}
	return level
}

// newLog is a log: coloured on a terminal, else one line of key=value or of JSON for each record. What libp2p warns of goes
// there too.
func newLog(out io.Writer, level slog.Level, format string) *slog.Logger {
	var handler slog.Handler
	switch {
	case format == "json":
		handler = slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})
	case isTerminal(out):
		handler = tint.NewTextHandler(out, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != ""}) // no-color.org
	default:
		handler = slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})
	}
	p2p.LogTo(handler)
	return slog.New(handler)
}
