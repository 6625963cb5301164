package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestQuick takes every figure there is, of small blocks.
func TestQuick(t *testing.T) {
	var out, progress bytes.Buffer
	if code := run(t.Context(), []string{"--quick", "--json"}, &out, &progress); code != 0 {
		t.Fatalf("exit code %d: %s", code, &progress)
	}
	var report map[string]any
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	for _, name := range []string{"cases", "verifyRowUs", "verifyFreshUs", "verifyBatchRowUs", "reconstructMBs", "gain", "peakMemory", "seconds"} {
		if report[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	if cases, _ := report["cases"].([]any); len(cases) != 4 {
		t.Errorf("%d cases, want 4", len(cases))
	}
	positive(t, "report", report)
}

// positive fails unless every number in the value is above 0.
func positive(t *testing.T, name string, value any) {
	switch value := value.(type) {
	case float64:
		if value <= 0 {
			t.Errorf("%s is %v", name, value)
		}
	case []any:
		for _, v := range value {
			positive(t, name, v)
		}
	case map[string]any:
		for k, v := range value {
			positive(t, name+"."+k, v)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	var out, complaint bytes.Buffer
	for _, args := range [][]string{{"--no-such-flag"}, {"argument"}} {
		if code := run(t.Context(), args, &out, &complaint); code != 2 {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
	}
}
