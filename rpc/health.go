package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Health is what a Bedrock may also be: it says whether the node is of use to who asks it. /readyz and bedrock_health show it.
type Health interface {
	Ready(ctx context.Context) Readiness
}

// Readiness is whether a node is up to date and has checked what it tells, and what it knows to be wrong with itself.
type Readiness struct {
	Ready  bool     `json:"ready"`
	Checks []Check  `json:"checks"`
	Health []Ailing `json:"health"` // the worst first
}

// Check is one condition of readiness.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // in words, with numbers
}

// Ailing is a health code that is raised (docs/reference/health.md).
type Ailing struct {
	Code     string    `json:"code"`     // as BR-NET-001
	Severity string    `json:"severity"` // info, warning, failure
	Title    string    `json:"title"`
	Detail   string    `json:"detail,omitempty"`
	Next     string    `json:"next"` // what to do
	Since    time.Time `json:"since"`
	Doc      string    `json:"doc"` // where it is explained
}

// Failing reports whether a node does not do its work.
func (r *Readiness) Failing() bool {
	for _, a := range r.Health {
		if a.Severity == "failure" {
			return true
		}
	}
	return !r.Ready
}

// Health answers bedrock_health; null at a node that cannot tell.
func (m *BedrockMethods) Health(ctx context.Context) (*Readiness, error) {
	asked, ok := m.b.(Health)
	if !ok {
		return nil, nil
	}
	r := asked.Ready(ctx)
	return &r, nil
}

// HealthPaths serves /livez (the process answers) and /readyz (200 or 503, with the reasons), and leaves the rest to next.
// Answers are plain text for people and probes, JSON for who accepts application/json.
func HealthPaths(health Health, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			next.ServeHTTP(w, r)
		case r.URL.Path == "/livez":
			sayHealth(w, r, http.StatusOK, map[string]bool{"live": true}, "ok\n")
		case r.URL.Path == "/readyz" && health != nil:
			ready := health.Ready(r.Context())
			status := http.StatusOK
			if !ready.Ready {
				status = http.StatusServiceUnavailable
			}
			text := "ok\n"
			if !ready.Ready || r.URL.Query().Has("verbose") {
				text = ready.text()
			}
			sayHealth(w, r, status, ready, text)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// text is a line for each check, then one for each health code, then the verdict.
func (r *Readiness) text() string {
	var b strings.Builder
	for _, c := range r.Checks {
		if c.OK {
			fmt.Fprintf(&b, "[+]%s ok: %s\n", c.Name, c.Detail)
		} else {
			fmt.Fprintf(&b, "[-]%s failed: %s\n", c.Name, c.Detail)
		}
	}
	for _, a := range r.Health {
		fmt.Fprintf(&b, "[%s]%s %s: %s\n", map[bool]string{true: "!", false: " "}[a.Severity == "failure"], a.Code, a.Title, a.Detail)
	}
	if r.Ready {
		b.WriteString("ready\n")
	} else {
		b.WriteString("not ready\n")
	}
	return b.String()
}

func sayHealth(w http.ResponseWriter, r *http.Request, status int, what any, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(what) // the client is gone: nobody to tell
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // likewise
}
