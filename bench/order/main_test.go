package main

import (
	"fmt"
	"os"
	"testing"
)

// TestMain is the program itself where a test starts nodes: they run the test binary.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		fmt.Fprintln(os.Stderr, serve(role))
		os.Exit(1)
	}
	os.Exit(m.Run())
}
