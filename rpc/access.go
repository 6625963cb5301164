package rpc

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// access decides which requests from browsers are let in.
//
// A page that the user has open may reach 127.0.0.1. It is kept out in two ways: a request must name a host that is
// ours (against DNS rebinding, where a foreign name points here), and one with an Origin header must come from an
// origin on the list. Programs send no Origin and name the address they connected to.
type access struct {
	hosts   []string // lower case; "*" lets every host in
	origins []string // lower case; "*" lets every origin in
	next    http.Handler
}

// Guard keeps web pages of strangers away from a handler of this machine.
func Guard(next http.Handler) http.Handler { return &access{next: next} }

func (a *access) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.knowsHost(r.Host) {
		http.Error(w, "host "+r.Host+" is not served here: add it to the RPC hosts", http.StatusForbidden)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if !a.knowsOrigin(origin) {
			http.Error(w, "origin "+origin+" is not allowed: add it to the RPC origins", http.StatusForbidden)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Add("Vary", "Origin")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
			w.Header().Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	a.next.ServeHTTP(w, markLocal(r))
}

// knowsHost lets in every IP address, which no foreign name can be rebound to, localhost and the listed names.
func (a *access) knowsHost(host string) bool {
	name := strings.ToLower(host)
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if name == "localhost" || net.ParseIP(name) != nil {
		return true
	}
	return slices.Contains(a.hosts, "*") || slices.Contains(a.hosts, name)
}

// knowsOrigin lets in pages served from this machine and the listed origins.
func (a *access) knowsOrigin(origin string) bool {
	origin = strings.ToLower(origin)
	if slices.Contains(a.origins, "*") || slices.Contains(a.origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func lower(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = strings.ToLower(s)
	}
	return out
}
