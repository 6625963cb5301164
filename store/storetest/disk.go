// Package storetest gives tests a store on a simulated disk whose power can be cut.
//
// A Disk belongs to one test. It does not imitate the store: the real one runs on it.
package storetest

import (
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Disk is a simulated disk with one data directory.
type Disk struct{ fs *vfs.MemFS }

// NewDisk is an empty disk.
func NewDisk() *Disk { return &Disk{vfs.NewCrashableMem()} }

// Open opens the store of a network on the disk. A store that is open must be closed, or its disk replaced by Crash,
// before it is opened again.
func (d *Disk) Open(network types.NetworkID) (*store.DB, error) {
	return store.OpenFS(d.fs, "data", store.Options{Network: network, MinFree: 1})
}

// Crash is the disk as a power cut at this instant leaves it: what was synced, and of the rest about percent of 100. The
// store that is open on d goes on with d and does not touch the copy.
func (d *Disk) Crash(percent int, seed uint64) *Disk {
	return &Disk{d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(seed, 0))})}
}
