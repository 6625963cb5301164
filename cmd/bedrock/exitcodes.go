package main

import (
	"fmt"
	"strings"
)

// The exit codes of every verb.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNoAnswer = 3
	exitData     = 4
	exitNegative = 5
	exitTrust    = 6
	exitTwin     = 7
	exitSecret   = 8
	exitDisk     = 9
)

// exitRow describes one exit code.
type exitRow struct {
	Code int
	Name string // in errors as JSON
	Text string // what it says, a sentence without its stop
	Next string // what to do, likewise
}

// exitTable lists every exit code: the one place from which `bedrock --help` and docs/reference/exit-codes.md come.
func exitTable() []exitRow {
	return []exitRow{
		{exitOK, "ok", "done, or stopped by Ctrl-C", "nothing"},
		{exitFailure, "failed", "failed for a reason that the message tells", "read the message"},
		{exitUsage, "usage", "the command line, a BEDROCK_ variable, config.toml or the network file that is named is wrong", "correct what the message names"},
		{exitNoAnswer, "no-answer", "no answer: the RPC address cannot be reached, or the node does not know what was asked", "start a node, or name its address with --rpc"},
		{exitData, "data", "the home or its data is in use, of another network, broken, not writable, or open to other users; nothing in it was changed", "do what the message says"},
		{exitNegative, "negative", "checked, and the answer is no: an unavailable or mis-encoded block, an audit that does not add up, an invalid challenge, a node that is not well or not so far", "the message names what was found"},
		{exitTrust, "trust", "the node must not follow the network: what it knows is too old, the checkpoint does not fit, or the network's rules are newer than this program", "give a fresh checkpoint, or update the program"},
		{exitTwin, "twin", "another node signs with this sequencer's key, or the home is an old copy; nothing was signed", "stop the other node; a sequencer has one home"},
		{exitSecret, "secret", "a key is missing or damaged, or its password is missing or wrong", "give the password with --password-file, or restore the key from a backup"},
		{exitDisk, "disk", "the disk is full, or too little of it is free", "make room, or give the node another disk with --home"},
	}
}

// exitName is the name of a code.
func exitName(code int) string {
	for _, row := range exitTable() {
		if row.Code == code {
			return row.Name
		}
	}
	return "failed"
}

// exitCodesHelp is the table as `bedrock --help` shows it.
func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, row := range exitTable() {
		fmt.Fprintf(&b, "\n  %d  %s", row.Code, strings.ReplaceAll(fold(row.Text, min(helpWidth(), 115)-5), "\n", "\n     "))
	}
	return b.String()
}

// fold breaks a text into lines of at most so many bytes.
func fold(text string, width int) string {
	var b strings.Builder
	length := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case length+1+len(word) > width:
			b.WriteByte('\n')
			length = 0
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}
