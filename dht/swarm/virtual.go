package swarm

import (
	"testing"
	"testing/synctest"
)

// Virtual runs f in a bubble of virtual time: sleeping costs nothing, and time passes only while every goroutine that f
// began waits. It returns when f and all these goroutines ended; goroutines that never end are a panic ("deadlock").
//
// testing/synctest asks for a *testing.T, of which it needs none outside of tests: it is where failures of a test would be
// noted. A T of no test serves, so a program may simulate as well as a test, and no flag of package testing is registered.
func Virtual(f func()) {
	synctest.Test(new(testing.T), func(*testing.T) { f() })
}
