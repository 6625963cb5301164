// Package coding turns a block of bytes into rows that can be spread over strangers and checked one by one.
//
// It is the ZODA family of data availability codes in one dimension (Evans, Mohnblatt, Angeris: "ZODA: Zero-Overhead
// Data Availability", ePrint 2025/034): Reed-Solomon down the columns, a Merkle tree over whole rows, and a random
// linear combination of each row that lets the holder of one row see by itself that the row belongs to the code.
//
// # Format
//
// Everything here must agree to the byte between peers; testdata/vectors.json freezes it in a language-neutral form.
// LEn is an n-bit little-endian integer, H is SHA-256.
//
//   - Shape ([ParamsFor]): length bytes of data make K rows of rowSize bytes, extended to N = 4K rows (rate 1/4).
//     K is the smallest power of two >= sqrt(length)/4 within 16..4096; rowSize = 64*ceil(length/(64K)) <= 64 KiB.
//     The rows 0..K-1 are the data in order, padded with zeros; K..N-1 are parity.
//   - Field: GF(2^16) as polynomials over GF(2) modulo x^16 + x^5 + x^3 + x^2 + 1 (0x1002D). A symbol is 16 bits and names
//     the sum of the elements of Leopard's Cantor basis at which it has a bit, from bit 0 on: 0x0001, 0xACCA, 0x3C0E,
//     0x163E, 0xC582, 0xED2E, 0x914C, 0x4012, 0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E (bit i of
//     these is the coefficient of x^i). So sums of symbols are XORs, and products are those of the elements they name.
//   - Symbols of a row: of each 64-byte chunk, bytes 0..31 are the low and 32..63 the high bytes of 32 symbols: symbol
//     j = hi[j]*256 + lo[j].
//   - Code: Leopard's Reed-Solomon code of K data and 3K parity symbols, applied to every column of symbols. The data of
//     a column are the values at the points 4K..5K-1 of the polynomial of degree < 4K that is zero at 5K..8K-1; parity
//     symbol i, of row K+i, is its value at the point i. Points are field elements, written as the symbols that name them.
//   - Row tree: RFC 6962. Leaf = H(0x00 || row), node = H(0x01 || left || right), N leaves; its root is rowRoot.
//   - Coefficients: seed = H("bedrock/rlc/1" || LE32 version || LE32 K || LE32 N || LE32 rowSize || LE64 length ||
//     rowRoot). There are rowSize/2 coefficients of 16 bytes: with d = H(seed || LE32 i), coefficient 2i is d[0:16] and
//     2i+1 is d[16:32], each read as 8 little-endian words of 16 bits, one symbol each.
//   - Combination of a row: y = sum over j of symbol_j * coefficient_j, 8 words, 16 bytes. The combination of row
//     K+i is the parity symbol of y_0..y_{K-1} under the same code (each y laid out as a 64-byte row whose first 8
//     symbols are its words). yRoot is the RFC 6962 root of the K values y_0..y_{K-1}, leaf = H(0x00 || y_i).
//   - Commitment = H("bedrock/commitment/1" || LE32 version || LE32 K || LE32 N || LE32 rowSize || LE64 length ||
//     rowRoot || yRoot), version = 1. The empty block has K = N = rowSize = 0 and both roots zero.
//   - Encodings begin with the version in one byte. Shard: version || LE32 index || row || path; opening: version ||
//     rowRoot || y_0..y_{K-1}; stand-alone shard: shard || y || path of y; evidence: version || 1 || opening || shard, or
//     version || 2 || stand-alone shard, each without its version. A path lists the log2 N (of y: log2 K) siblings from
//     the leaf up. Bytes of any other size or version are malformed, as is an index >= N (stand-alone: >= K).
//   - Check of a shard with an opening: rowRoot and the root of the y's make the commitment (else ErrOpening); row and
//     path lead to rowRoot (else ErrPath); bytes of data rows behind the length are zero and the combination is the one
//     of that row (else the block is mis-encoded). Of a stand-alone shard: both roots follow from the paths and make the
//     commitment (else ErrPath); then as above, with the y that came along.
//
// checker/ is a second implementation of this section, in JavaScript; a test runs it.
//
// # Invariants
//
//	I1  Any K distinct correct rows of an honestly encoded block reconstruct its data.
//	I2  The shape is a function of the data length alone; it is recomputed, never taken from a peer.
//	I3  Nothing derived from a peer's bytes is kept before those bytes were checked against the commitment.
//	I4  A verdict names its liar: ErrPath and ErrOpening are the peer's lie, *BadEncodingError is the block's, and
//	    carries evidence that anyone who knows the commitment can check.
//	I5  An honest row of an honest block never yields *BadEncodingError.
//	I6  One block of data has one commitment, and one codeword is one block of data: the padding is zero.
//	I7  Every decoder is strict: exactly one encoding of each value is accepted, sizes are known before reading.
//
// # Adversary
//
// The publisher and any number of holders may lie together. A wrong row of a fixed codeword passes with probability
// 2^-128; but the publisher chooses y after the coefficients, so it can make any K rows pass. Therefore one correct
// row says little, many random ones say much: the sampling package states how much. Consequences for callers:
// "correct" rows of a dishonest block need not all decode alike unless enough random samples passed, and up to
// (1-rate)/2 of the committed rows may be garbage although sampling passes. So never judge a block by re-encoding it
// and comparing the root ([ReconstructAll] does compare, but only to decide whether rows may be served again).
//
// A combination alone proves nothing about bytes without a path: the coefficients are public once the rows are committed,
// and anyone can find other rows with the same combination. Only rows fixed by the row root are bound by it.
//
// The pitfalls of this family of codes, and the tests that hold the package clear of them, are listed in pitfalls_test.go.
//
// # Use
//
// A publisher calls [Encode] and hands out shards and the opening. A reader takes the length from the header, the shape
// from [ParamsFor], an opening from anyone, makes a [Verifier], and checks shards from anyone with it; K of them give the
// data ([Reconstruct]). Who needs single rows only, as a fraud proof does, uses [VerifyStandalone]. Where the
// processor has no matrices of bits (kernel.go) the first use in a process builds the library's tables: 0.15 s, 75 MB.
//
// The package is pure: no I/O, clock, goroutine or randomness. Whoever wants a block sooner than one core has it runs its
// parts side by side, see [Spread]. Values are immutable once made; a [Verifier] and a
// [Block] may be used by any number of goroutines at once.
//
//	params.go      shape of a block                     block.go       Encode, Block
//	merkle.go      RFC 6962 trees                       shard.go       row with its path
//	field.go       coefficients, row combination        opening.go     row root and y: what a verifier needs
//	planes.go      the same by matrices of bits         verifier.go    check of one shard
//	basis.go       multiplication by basis elements     standalone.go  check of one data row without y
//	extend.go      Reed-Solomon extension               evidence.go    proof of bad encoding
//	decode.go      absent data rows from any K          reconstruct.go data or all rows from any K rows
//	locator.go     products over the absent points      spread.go      parts, for whoever has more cores
//	commitment.go  commitment and seed                  errors.go      verdicts
//	wire.go        strict decoding                      kernel.go      products with constants, transforms
package coding
