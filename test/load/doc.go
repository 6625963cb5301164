// Package load measures the whole path of a transaction: real nodes over loopback sockets, each with its own directory and
// identity, in one process. Nothing of the product is replaced.
//
//	go test ./test/load -run - -bench Ordering  -benchtime 1x -timeout 20m   throughput, latency, CPU at fixed rates
//	go test ./test/load -run - -bench Pacing    -benchtime 1x -timeout 20m   the same at several round lengths
//	go test ./test/load -run - -bench Light     -benchtime 1x                certificate to light client's verdict
//	go test ./test/load -run - -bench Idle      -benchtime 1x                CPU and memory of a devnet that does nothing
//	go test ./test/load -run - -bench Challenge -benchtime 1x                time and size of a fraud proof
//
// Run them one at a time on a quiet machine: CPU and memory are those of the process.
//
// How it is measured:
//
//   - The load is an open loop: transaction i is due at start + i/rate, whatever became of those before it, and its latency
//     counts from then. So a system that falls behind shows it as latency; nothing waits for an answer before the next one
//     is sent. Of each entry node at most 16 calls of Submit are under way; what waits for one waits on the clock.
//   - Ordered is when the batch left the fair order at the node where the transaction entered (node.Released), certified is
//     when that node knew a certified header of the block that contains it (node.Certified). Only transactions due after
//     the warm-up count.
//   - During the run only times are written down; hashes are matched afterwards. What the generator itself costs is
//     measured by running it against nothing (generator-us/tx) and is part of cpu-us/tx. Signing is done before the run.
//   - CPU is the user and system time of the process over the measured window: all nodes, sockets, fsync and the Go runtime,
//     divided by the transactions certified in the window. At low rates most of it is the rounds, not the transactions.
package load
