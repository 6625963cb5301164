// Package wan measures the ordering core over a simulated wide area network, in virtual time: how long from the moment a
// client hands a batch to its entry sequencer to the moment that sequencer releases it in final order, in units of the
// mean one-way delay d, and how many bytes that takes. Runs are deterministic; around each node stands the product's own
// consensus.Core, unmodified.
//
// # Model
//
// Members live in ten regions on a circle, 20 ms apart one way within a region and 20 ms more for each step, so 20 to
// 120 ms; every message takes its path's delay times a log-normal factor (Jitter, 5 % by default). d is the mean over
// the ordered pairs of distinct members. A batch goes from its entry straight to every other sequencer, since gossip
// publishes to all connected peers and sequencers are connected to one another; what mesh neighbours forward besides
// costs bytes and saves no time. Clocks are off by up to 5 ms, a synced write takes 1 ms, bandwidth is not modelled.
//
// Batches of 4 KiB enter at random members (never at a faulty one) at random times, 1,000 payloads of 250 bytes a second
// in all. Figures begin after a warm-up; a batch that was not released when the run ended counts with the time it waited
// until then.
//
// # Faults
//
// crashed: f members stop for ever during the warm-up. halfPublished: f members send each vertex to a random half of
// the others, another half each round, and answer no request. slow: one member's messages take ten times as long, both
// ways. clock: one clock is 2 s ahead.
package wan
