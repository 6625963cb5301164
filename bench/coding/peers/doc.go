// Peers compares the coding of bedrock with rsema1d (celestia-app v9.0.8, pkg/rsema1d) and rsmt2d v0.15.2 on this machine.
// It is started by bench/coding, which says how to use it, and is a module of its own because the module of rsema1d demands
// versions of other libraries with which the benchmarks in bench/ could not stand.
//
// How it is measured:
//
//   - All encode the same bytes. bedrock and rsema1d use the same K, the same N = 4K rows of the same size and
//     128-bit combinations; rsmt2d extends the smallest square of 512-byte shares that holds the bytes to four times its
//     size, over its default trees (Celestia's own squares have sides that are powers of two: 1 MiB would cost it twice that).
//   - The encoders: bedrock's coding.Encoder, which encodes block after block in memory that it keeps, copying the data there;
//     rsema1d's Coder.Encode, its fastest (rsema1d.Encode reaches a quarter of it), with row buffers and Reed-Solomon tables
//     that are kept, over parity rows that are cleared as it demands and data rows that need not be copied; rsmt2d's
//     ComputeExtendedDataSquare and Roots. Committing is part of all three. bedrockFreshMBs is coding.Encode, which
//     makes a block in new memory each time, rsema1dFreshMBs the Coder over a copy of the data in new memory. hashMBs is
//     SHA-256 over the N rows and nothing else: an encoder that commits to whole rows with it cannot be faster.
//   - Each number of cores has a process of its own with that GOMAXPROCS. On one core the time is the CPU time of the process,
//     user and system, whatever else the machine does; on more it is wall time, which other programs spoil.
//   - The contestants take turns, every other round backwards; the collector runs before each turn and outside of it; a turn
//     lasts 20 ms or one run. Of each the best turn counts. ratioRsema1d and ratioRsmt2d are medians over the rounds:
//     bedrock's rate over theirs in the same round, which what else the machine does spoils least.
//   - gain is how many times faster two workers are than one at 8 MiB, wall time, both in one process with GOMAXPROCS 2.
//   - verifyRowUs: one row of 8 KiB of the 8 MiB block whose y is known and checked, with coefficients at hand; verifyFreshUs:
//     one row with all that comes before it (y's tree, y's extension, coefficients); verifyBatchRowUs: of 40 rows one by one
//     for bedrock, in a batch for rsema1d. One core.
//   - reconstructMBs: the 8 MiB from K random rows, known to be right. rsema1d's is rsema1d.Reconstruct, which does not
//     commit. One core.
//   - peakMemory: the most that is resident while 32 MiB are encoded once (Linux's VmHWM), the data included, over
//     32 MiB; each encoder in a process of its own that has encoded something small before. rsema1d's rows are allocated once.
package main
