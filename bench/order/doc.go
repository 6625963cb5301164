// Order compares the ordering of bedrock with CometBFT's on this machine: 4 validators each, over loopback, separate
// processes, fsync and gossip on, the same 250-byte payloads, the same load generator.
//
//	go run ./order            progress and a table on stderr, 4 to 5 minutes
//	go run ./order --json     the figures on stdout as JSON
//	go run ./order --quick    a smoke run of about a minute: its figures are rough
//
//	go run ./order --system bedrock --rates 1000,8000    only these rates, each on a fresh network
//
// With BENCH_ORDER_PROFILES=DIR each node writes a CPU profile there.
//
// Run it on a machine that does nothing else. Where that cannot be, root can put both systems and the generator ahead of the
// rest alike; with autogroups (/proc/sys/kernel/sched_autogroup_enabled) nice alone does nothing:
//
//	setsid -w sh -c 'echo -15 > /proc/self/autogroup; exec go run ./order'
//
// Exit code 0: measured; 1: a network could not be run, or interrupted; 2: wrong flags.
//
// How it is measured:
//
//   - This process is the generator; it starts itself again as each node (bedrocknode.go, cometnode.go). CPU is the user
//     and system time of the node processes over the measured window (/proc), for each transaction that was seen ordered in
//     the window. The generator's own CPU is not in it; it is a column of its own.
//   - Each node has a client with one WebSocket to it. The client submits there (bedrock_sendTransaction,
//     broadcast_tx_sync) and subscribes there to the order (bedrock's "ordered", CometBFT's NewBlock with the transactions):
//     a transaction is ordered when the client that sent it has read that.
//     What is due within 2 ms goes out in one write; bedrock takes a lot of calls as one JSON-RPC batch, CometBFT's
//     WebSocket takes no batches and gets the calls one by one in the same write.
//   - The load is an open loop: transaction i is due at start + i/rate, and its latency counts from then, whatever holds it
//     up, the generator included. The first 2 s are not counted. What is never seen counts as latency up to the end.
//   - peakTxPerS: the highest rate of ordered transactions with p99 <= 2 s and at most 1 % refused or not sent. Rates are
//     doubled until one fails, then narrowed twice by the geometric mean; after a failure the network is started afresh.
//   - overloadShare: what is ordered each second at 4 times the highest rate that was held, as a share of the peak.
//   - cpuMsPerTx, p50Ms, p99Ms are at 1,000/s; the other rates are in the rows. ratioPeak is bedrock's peak over CometBFT's,
//     ratioCpu is CometBFT's cpuMsPerTx over bedrock's: both say how many times better bedrock is.
//
// The four NewBlock subscriptions weigh on CometBFT: it writes each transaction and its result as JSON for each of them, and
// has no cheaper subscription that names the transactions. --one-listener leaves one subscription, on both sides: CometBFT
// then held 3,900/s where it held 2,600/s with four, and collapsed beyond that just the same.
//
// CometBFT v0.38.17 is unchanged, with kvstore in the process and in memory, timeout_commit 0 with skip, peer gossip sleep
// 5 ms, flush throttle 5 ms, send and receive rates 500 MB/s, mempool 300,000 transactions and 1 GB, recheck and indexer
// off, its default fsync of the WAL, goleveldb. bedrock has its defaults, payload "opaque".
package main
