// Package health is what a node knows to be wrong with itself, or worth a word: a table of codes, and a tracker of which of
// them are raised.
//
// A code has a stable name (BR-NET-001), one sentence of what it means, the next command, and a section in
// docs/reference/health.md, which is written from the table. Parts of a node raise and clear codes; `bedrock status`, /readyz,
// the RPC and the metric bedrock_health show them; `bedrock doctor` names the same codes for what it finds.
//
// A state is shown once it has lasted for its code's After, so what mends itself is never seen, and only if no other raised
// code explains it: who has no internet is not told of the ten things that follow from it.
//
// code.go is the type, table.go the list, tracker.go what is raised, reference.go writes the page.
package health
