// Package exectest builds chains for the tests of packages that execute: a genesis with rich accounts and awkward
// contracts, certified blocks of hand-made or random transactions, all kept for challenges and crash recovery. Nothing
// but tests imports it.
package exectest
