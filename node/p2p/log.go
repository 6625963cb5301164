package p2p

import (
	"context"
	"log/slog"
	"slices"

	"github.com/libp2p/go-libp2p/gologshim"
)

// LogTo sends what the libp2p libraries log to a handler. It is for programs, before they open a node: the libraries know
// one handler a process. What they warn of is the normal life of a network (a peer that went away, a router without UPnP) and
// nothing that an owner can mend: it is details. The node says in its own words what matters.
func LogTo(handler slog.Handler) { gologshim.SetDefaultHandler(details{Handler: handler}) }

// details lets pass what is an error, and all where details are wanted.
type details struct {
	slog.Handler
	told bool // what errors say here comes back from libp2p.New, too
}

// Enabled implements slog.Handler.
func (d details) Enabled(ctx context.Context, level slog.Level) bool {
	return (level >= slog.LevelError && !d.told || d.Handler.Enabled(ctx, slog.LevelDebug)) && d.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (d details) WithAttrs(attrs []slog.Attr) slog.Handler {
	told := d.told || slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == "logger" && a.Value.String() == startLogger })
	return details{d.Handler.WithAttrs(attrs), told}
}

// WithGroup implements slog.Handler.
func (d details) WithGroup(name string) slog.Handler {
	return details{d.Handler.WithGroup(name), d.told}
}

// startLogger is the name under which libp2p logs that a host does not start.
const startLogger = "p2p-config"
