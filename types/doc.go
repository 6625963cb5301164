// Package types holds what peers must agree on to the byte: identifiers, vertices, receipts, headers, certificates,
// committees, batches, block data, the genesis file and the messages of the direct streams.
//
// The package is pure: no I/O, clock, goroutine, logger or randomness. All encodings are canonical RLP (Ethereum yellow
// paper, appendix B): a value has exactly one encoding and every decoder refuses any other, refuses trailing bytes and
// caps its input before it allocates.
//
// Signatures are Ed25519 under ZIP-215 rules (single and batched checks agree). A signature covers a 32-byte digest
//
//	digest = sha256(domain || unsigned bytes)       domain = "/bedrock/1/<network id, hex>/<kind>"
//
// so a signature made for one network or one kind of message is worthless for another, and two signatures over the
// same bytes make one vertex.
//
// Adversary: every byte handed to a Decode function may come from a stranger. A decoder returns an error that wraps
// ErrMalformed and never panics.
//
// Map of the files: ids.go (identifiers and units), signature.go (domains, ZIP-215), committee.go (stake, quorum, draw),
// batch.go, vertex.go and vertex_check.go, equivocation.go, header.go, blockdata.go, wire.go (direct streams), genesis.go.
package types
