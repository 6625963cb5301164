// Package twins plays the ordering core through systematically chosen partitions while some members run twice, after
// "Twins: BFT Systems Made Robust" (Bano et al., arXiv 2004.10617).
//
// Of n members f have a twin: a second node with the same key that runs the same core, unmodified. In every round of the
// scheduler the n+f nodes are split into one, two or three parts. What a node sends in a round reaches its own part and
// is lost for the others; requests are answered inside the part. Twins in one part see the same and say the same; in
// different parts they are handed different batches, so that they equivocate, and what one of them says reaches the other's
// part later, by way of those who change sides. After the last round all nodes are in one part.
//
// A Scenario is the list of partitions and the seed of the slots' order. A Space enumerates all of them for n members and a
// number of rounds, once up to renaming: members without a twin are alike, pairs of twins are alike, and so are the two of
// a pair. (The order of slots is drawn for names, so renamed scenarios are alike but not equal; each plays an order of its
// own.) What is too many to play is sampled.
//
// What must hold: members without a twin agree on sequence, order, blocks and certificates, at every step; none of them
// stops, is accused, or has a vertex rejected; each says no more than the definition gives for what it has accepted
// (package brute); and a batch submitted after the last partition is released by all of them within HealRounds.
package twins
