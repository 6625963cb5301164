package main

import (
	"io"
	"strings"

	"golang.org/x/term"
)

// columnsOf is how many columns a line of an output may have; 0: no terminal, so lines are as long as they are.
func columnsOf(out io.Writer) int {
	file, ok := out.(interface{ Fd() uintptr })
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// leastFolded is the narrowest column of text that is worth folding.
const leastFolded = 30

// indented is a text that begins in a column: on a terminal it is folded and its later lines begin there too.
func indented(text string, column, columns int) string {
	if columns < column+leastFolded {
		return text
	}
	return strings.ReplaceAll(fold(text, columns-column), "\n", "\n"+strings.Repeat(" ", column))
}
