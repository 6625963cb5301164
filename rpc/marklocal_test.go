package rpc

import (
	"net/http/httptest"
	"testing"
)

// TestMarkLocal takes loopback for this machine, and nothing else.
func TestMarkLocal(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:40000": true, "127.9.9.9:1": true, "[::1]:40000": true, "192.168.1.5:40000": false, "203.0.113.7:40000": false,
		"[2001:db8::1]:40000": false, "": false, "127.0.0.1": false, "@": false,
	} {
		request := httptest.NewRequest("POST", "/", nil)
		request.RemoteAddr = address
		if got := isLocal(markLocal(request).Context()); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
