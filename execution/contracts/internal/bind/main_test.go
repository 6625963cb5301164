package main

import (
	"os"
	"testing"
)

func TestBindingsAreCurrent(t *testing.T) {
	want, err := bindings()
	if err != nil {
		t.Fatal(err)
	}
	if have, err := os.ReadFile("../../bonds.go"); err != nil || string(have) != want {
		t.Fatalf("bonds.go is not what Bonds.json gives (%v): run go generate in execution/contracts", err)
	}
}
