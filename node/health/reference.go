package health

import (
	"fmt"
	"strings"
	"time"
)

// Reference is docs/reference/health.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Health codes\n\nWhat a node says of itself at the end of `bedrock status`, in `/readyz?verbose`, by the RPC method `bedrock_health`, in the metric\n" +
		"`bedrock_health`, and what `bedrock doctor` finds. A state is shown once it has lasted for the time given here and no other one explains it.\n" +
		"Where one of them ends the node its last words in the log name the code.\n" +
		"This page is written from `node/health/table.go`.\n\nSeverity: *failure*: the node does not do its work, and `bedrock status --check` fails. *warning*: it does, and something should be\n" +
		"done. *info*: good to know.\n")
	for _, c := range Codes() {
		fmt.Fprintf(&b, "\n## %s\n\n**%s** (%s%s)\n\n%s\n\nNext: %s.\n", c.ID, c.Title, c.Severity, lastsText(c.After), c.Text, c.Next)
		if len(c.Because) > 0 {
			fmt.Fprintf(&b, "\nNot shown while one of these explains it: %s.\n", links(c.Because))
		}
	}
	return b.String()
}

func lastsText(after time.Duration) string {
	if after == 0 {
		return ", shown at once"
	}
	return fmt.Sprintf(", shown after %s", plain(after))
}

// plain says a round duration in words.
func plain(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func links(ids []ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprintf("[%s](#%s)", id, strings.ToLower(string(id)))
	}
	return strings.Join(texts, ", ")
}
