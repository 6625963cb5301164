//go:build cgo

package main

// cgo says whether the program was built with C code.
const cgo = true
