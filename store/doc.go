// Package store keeps everything a node must not lose: a pebble database with one key space for each kind of record, and
// the append-only log of accepted vertices (vertexlog*.go).
//
// # Data directory
//
//	<dir>/LOCK          held by flock while a process uses the directory
//	<dir>/bedrock.json  manifest: schema version and network id; written once, atomically, before anything else
//	<dir>/db/           pebble; db.new while it is being made
//
// # Invariants
//
//	S1  What was committed Synced survives a crash or power cut at any instant; of a batch, all entries or none.
//	S2  A directory is used by one process, for one network, by programs that know its schema. Anything else is a typed
//	    error that says what to do, and nothing was changed.
//	S3  Keys of one space, or of one datastore prefix, are never seen through another.
//	S4  When the free space of the disk falls below Options.MinFree, writes fail with ErrDiskFull before the disk is
//	    full (pebble blocks for ever on a full one); deletions still pass.
//	S5  After a failed write of the log the state of the disk is unknown: Options.Fatal is called and nothing more is
//	    acknowledged.
//
// # Adversary
//
// None reads or writes here directly: callers check peers' bytes before they store them, and cap them. The enemy of this
// package is the power plug.
//
// # Use
//
// A DB, its batches' commits, its scans and its datastores may be used by any number of goroutines; one Batch belongs to
// one goroutine. After Close every method returns ErrClosed. Unsynced writes may be lost by any crash, even of the
// process alone, and always as a suffix of what was written.
//
//	db.go         open, close           kv.go         get, set, delete      spaces.go     who owns which keys
//	manifest.go   schema and network    batch.go      atomic batches        scan.go       ordered reading
//	errors.go     what can go wrong     datastore.go  go-datastore adapter  audit.go      audit records
//	pebble.go     tuning and logging    freespace.go  the free-space guard  orderedfs.go  order of directory entries
//	vertexlog*.go log of vertices and batches
//
// Package storetest opens stores on a simulated disk and cuts its power.
package store
