package store

// Space is the first byte of a key: who owns it. A space's number never changes its meaning; new ones are added.
type Space byte

// The key spaces. Heights in keys are 8 bytes, big-endian, so that scans go up in height.
const (
	// SpaceMeta holds small single values: name -> value (chain, node).
	SpaceMeta Space = 'm'
	// SpaceHeaders holds height -> certified header (chain).
	SpaceHeaders Space = 'h'
	// SpaceCommitments holds data commitment -> newest height that has it (chain).
	SpaceCommitments Space = 'c'
	// SpaceOwn holds height -> header that the own sequencer closed and no certificate is known for (chain).
	SpaceOwn Space = 'o'
	// SpaceVerdicts holds height -> nothing, of headers that list verdicts (chain).
	SpaceVerdicts Space = 'j'
	// SpaceBodies holds height -> block data (chain).
	SpaceBodies Space = 'b'
	// SpaceOpenings holds height -> encoded opening (chain).
	SpaceOpenings Space = 'y'
	// SpaceEvidence holds proofs that somebody, or a whole quorum, lied (chain, fraud).
	SpaceEvidence Space = 'e'
	// SpaceAudit holds batch id -> audit record (sequencers).
	SpaceAudit Space = 'a'
	// SpaceAppended holds position in the committed sequence -> record (sequencers).
	SpaceAppended Space = 'v'
	// SpaceTransactions holds transaction hash -> where it is (node).
	SpaceTransactions Space = 't'
	// SpaceSampling holds sampling verdicts and receipts (sampling).
	SpaceSampling Space = 's'
	// SpaceFraud holds assertions, challenges and verdicts (fraud).
	SpaceFraud Space = 'f'
	// SpaceNode holds what the node itself remembers, such as addresses of peers (node).
	SpaceNode Space = 'n'
	// SpaceDatastore holds the go-datastore views: BE32 length of the prefix, prefix, datastore key (dht).
	SpaceDatastore Space = 'd'
)

// key puts a key into a space.
func (s Space) key(key []byte) []byte {
	out := make([]byte, 1+len(key))
	out[0] = byte(s)
	copy(out[1:], key)
	return out
}

// bounds is the half-open range of pebble keys for [from, to) in the space; a nil to means up to the space's end.
func (s Space) bounds(from, to []byte) (lower, upper []byte) {
	if to == nil {
		return s.key(from), []byte{byte(s) + 1}
	}
	return s.key(from), s.key(to)
}
