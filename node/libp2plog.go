package node

import (
	"log/slog"

	"github.com/libp2p/go-libp2p/gologshim"
)

// LogLibp2p sends what the libp2p libraries log to a handler. It is for programs, before they open a node: the libraries know
// one handler a process.
func LogLibp2p(handler slog.Handler) { gologshim.SetDefaultHandler(handler) }
