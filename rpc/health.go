package rpc

import (
	"context"
	"encoding/json"
	"net/http"
)

// Health is what a Bedrock may also be: it says whether the node is of use to who asks it. /readyz shows it.
type Health interface {
	Ready(ctx context.Context) Readiness
}

// Readiness is whether a node is up to date and has checked what it tells.
type Readiness struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// Check is one condition of readiness.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // in words, with numbers
}

// healthPaths serves /livez (the process answers) and /readyz (200 or 503, with the reasons), and leaves the rest to next.
func healthPaths(health Health, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			next.ServeHTTP(w, r)
		case r.URL.Path == "/livez":
			sayHealth(w, http.StatusOK, map[string]bool{"live": true})
		case r.URL.Path == "/readyz" && health != nil:
			ready := health.Ready(r.Context())
			status := http.StatusOK
			if !ready.Ready {
				status = http.StatusServiceUnavailable
			}
			sayHealth(w, status, ready)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func sayHealth(w http.ResponseWriter, status int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what) // the client is gone: nobody to tell
}
