package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	gethlog "github.com/ethereum/go-ethereum/log"
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
	gethlog.SetDefault(gethlog.NewLogger(errorsOnly{handler}))
	return slog.New(handler)
}

// errorsOnly passes on what go-ethereum's library calls an error. Before it ends the program, which it does when its database is
// unusable, it says why there, and nowhere else.
type errorsOnly struct{ slog.Handler }

// Enabled implements slog.Handler.
func (errorsOnly) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

// WithAttrs implements slog.Handler.
func (e errorsOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return errorsOnly{e.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (e errorsOnly) WithGroup(name string) slog.Handler { return errorsOnly{e.Handler.WithGroup(name)} }
