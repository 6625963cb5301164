package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAnotherServer: what listens at the address is no node. The error is one line.
func TestAnotherServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	out, code := typed(t, "status", "--rpc", server.URL)
	if code != exitNoAnswer || strings.Contains(out, "\n") || !strings.Contains(out, "404") {
		t.Errorf("%d: %q", code, out)
	}
}
