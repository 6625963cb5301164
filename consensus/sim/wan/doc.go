// Package wan measures the ordering core over a simulated wide area network, in virtual time: how long from the moment a
// client hands a batch to its entry sequencer to the moment that sequencer releases it in final order, in units of the
// mean one-way delay d, and how many bytes that takes. Runs are deterministic; around each node stands the product's own
// consensus.Core, unmodified.
//
// # Model
//
// Members live in ten regions on a circle, 20 ms apart one way within a region, 120 ms between opposite regions, and as
// the straight line goes between others (a Euclidean space, as network coordinates have it); every message takes its
// path's delay times a log-normal factor (Jitter, 5 % by default). d is the mean over the ordered pairs of distinct
// members. A batch goes from its entry straight to every other sequencer, since gossip publishes to all connected peers
// and sequencers are connected to one another; six mesh neighbours forward it besides. Clocks are off by up to 5 ms, a
// synced write takes 1 ms, bandwidth is not modelled.
//
// Batches of 4,000 bytes enter at random members (but not at those that crash or half-publish) at random times, 1,000
// payloads of 250 bytes a second in all. Figures begin after a warm-up and are about the batches that entered at members
// without a fault; one that was not released when the run ended counts with the time it waited until then.
//
// # Faults
//
// crashed: f members stop for ever during the warm-up. halfPublished: f members send each vertex to a random half of
// the others, another half each round, and answer no request. slow: one member's messages take ten times as long, both
// ways. clock: one clock is 2 s ahead.
package wan
