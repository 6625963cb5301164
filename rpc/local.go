package rpc

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// errNotLocal is the answer to who asks from elsewhere for what only the owner should know.
var errNotLocal = errors.New("this is told to programs on the node's own machine only, over HTTP: it names peers and their addresses")

type localKey struct{}

// markLocal notes in a request's context whether it comes from this machine. A request that a proxy passed on does not; one
// that hides it (a proxy that adds no header) is its operator's doing. WebSockets never count: go-ethereum's server drops the
// request's context there.
func markLocal(r *http.Request) *http.Request {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	if err != nil || ip == nil || !ip.IsLoopback() {
		return r
	}
	for _, passed := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(passed) != "" {
			return r
		}
	}
	return r.WithContext(context.WithValue(r.Context(), localKey{}, true))
}

func isLocal(ctx context.Context) bool {
	local, _ := ctx.Value(localKey{}).(bool)
	return local
}
