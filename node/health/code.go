package health

import (
	"strings"
	"time"
)

// ID is the name of a code, as BR-NET-001. Names stay: scripts and alerts rest on them.
type ID string

// Severity is how bad a code is.
type Severity string

// The severities, from harmless to bad.
const (
	Info    Severity = "info"    // good to know; nothing has to be done
	Warning Severity = "warning" // the node does its work, and something should be done
	Failure Severity = "failure" // the node does not do its work
)

// Rank orders severities: a higher one is worse.
func (s Severity) Rank() int {
	switch s {
	case Failure:
		return 2
	case Warning:
		return 1
	default:
		return 0
	}
}

// Code is one row of the table.
type Code struct {
	ID       ID
	Title    string // a few words
	Severity Severity
	Text     string // what it means, for who is no engineer
	Next     string // what to do; commands in backquotes
	// After is how long it must last before it is shown.
	After time.Duration
	// Because are the codes that explain it: while one of them is raised this one is not shown.
	Because []ID
}

// Page is where docs/reference/health.md stands in the repository.
const Page = "docs/reference/health.md"

// Doc is where the code is explained.
func (c Code) Doc() string { return Page + "#" + strings.ToLower(string(c.ID)) }
