// Package guides runs every command of the guides for users (docs/home.md and its sisters), in their order, as a new user would:
// an own home directory, the program that the page builds, and a network on this machine. A page with a block that is not run,
// or a command that fails, fails.
package guides

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guidePages are the pages whose commands are run. Each one ends with its nodes stopped.
var guidePages = []string{"home", "light", "bootstrap", "sequencer", "prover"}

// fences are the kinds of blocks that a guide may hold: commands, and what they print or what a file holds.
var fences = map[string]bool{"sh": true, "text": false}

// command is one line of a block of commands.
type command struct {
	line int // in the page
	text string
}

// commandsOf reads the commands of a page in their order. A line that ends with a backslash goes on in the next one.
func commandsOf(t *testing.T, page string) []command {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", page+".md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []command
	inside, run := false, false
	begun := ""
	for i, line := range strings.Split(string(raw), "\n") {
		if kind, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
			if inside = !inside; inside {
				if run, ok = fences[kind]; !ok {
					t.Fatalf("%s.md:%d: a block of kind %q: commands stand in sh, what is printed in text", page, i+1, kind)
				}
			}
			continue
		}
		if !inside || !run {
			continue
		}
		text := withoutComment(line)
		if head, ok := strings.CutSuffix(text, `\`); ok {
			begun += head
			continue
		}
		if text = strings.TrimSpace(begun + text); text != "" {
			found = append(found, command{i + 1, text})
		}
		begun = ""
	}
	if inside || begun != "" {
		t.Fatalf("%s.md: its last block does not end", page)
	}
	return found
}

// withoutComment cuts what follows a # at the line's begin or after a blank.
func withoutComment(line string) string {
	if strings.HasPrefix(line, "#") {
		return ""
	}
	text, _, _ := strings.Cut(line, " #")
	return strings.TrimRight(text, " ")
}

// inlineCommand is a command in running text.
var inlineCommand = regexp.MustCompile("`bedrock ([a-z][a-z-]*)")

// TestGuidesNameOnlyVerbsThatExist: commands in running text are not run, so that at least their verbs have to exist.
func TestGuidesNameOnlyVerbsThatExist(t *testing.T) {
	s := newStage(t)
	help, err := s.shell("bedrock --help")
	if err != nil {
		t.Fatal(err, help)
	}
	for _, page := range guidePages {
		raw, err := os.ReadFile(filepath.Join("..", "..", "docs", page+".md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range inlineCommand.FindAllStringSubmatch(string(raw), -1) {
			if !strings.Contains(help, "\n  "+found[1]+" ") {
				t.Errorf("%s.md speaks of `bedrock %s`, which the program does not know", page, found[1])
			}
		}
	}
}
