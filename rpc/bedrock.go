package rpc

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/types"
)

// Height is a block height; in JSON a hex quantity, as eth_* has it.
type Height uint64

// MarshalText is 0x and hex digits without leading zeros.
func (h Height) MarshalText() ([]byte, error) {
	return strconv.AppendUint([]byte("0x"), uint64(h), 16), nil
}

// UnmarshalText is the inverse of MarshalText.
func (h *Height) UnmarshalText(text []byte) error {
	if len(text) < 3 || text[0] != '0' || text[1] != 'x' {
		return invalidParams("height %q: want 0x and hex digits", text)
	}
	n, err := strconv.ParseUint(string(text[2:]), 16, 64)
	if err != nil {
		return invalidParams("height %q: want 0x and at most 16 hex digits", text)
	}
	*h = Height(n)
	return nil
}

// TxHash is the keccak-256 hash of a transaction's envelope; 0x-hex in JSON.
type TxHash [32]byte

// MarshalText is 0x and 64 hex digits.
func (h TxHash) MarshalText() ([]byte, error) { return []byte("0x" + types.Hash(h).String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (h *TxHash) UnmarshalText(text []byte) error { return (*types.Hash)(h).UnmarshalText(text) }

// Bedrock is what the node knows of its network. All methods are called concurrently. A nil result without an error
// means that the node knows nothing of what was asked for; the client sees null.
type Bedrock interface {
	Status(ctx context.Context) (*Status, error)
	// Header returns the certified header at a height (the genesis header has an empty certificate) and the committee
	// of its epoch.
	Header(ctx context.Context, height types.Height) (*types.CertifiedHeader, *types.Committee, error)
	Sampling(ctx context.Context, height types.Height) (*Sampling, error)
	Audit(ctx context.Context, tx TxHash) (*Audit, error)
	Assertions(ctx context.Context, height types.Height) ([]Assertion, error)
	// Challenges covers from..to inclusive, at most MaxChallengeRange heights; ascending by height.
	Challenges(ctx context.Context, from, to types.Height) ([]Challenge, error)
	Committee(ctx context.Context, epoch types.Epoch) (*types.Committee, error)
	TransactionStatus(ctx context.Context, tx TxHash) (*TransactionStatus, error)
	// Challenge returns an upheld challenge, encoded, by its CID.
	Challenge(ctx context.Context, id types.BatchID) ([]byte, error)
	// Convictions lists the sequencers that proved dishonest here, ascending by height.
	Convictions(ctx context.Context) ([]Conviction, error)
}

// MaxChallengeRange bounds the heights of one bedrock_getChallenges.
const MaxChallengeRange = 10_000

// Status is where a node stands.
type Status struct {
	Role      string        `json:"role"`
	PeerID    string        `json:"peerId"`
	NetworkID string        `json:"networkId"`
	Epoch     uint64        `json:"epoch"`
	Round     uint64        `json:"round"`               // 0 at a node that does not hold the DAG
	Height    Height        `json:"height"`              // newest executed block; at a light client, the newest certified header
	Certified Height        `json:"certified"`           // newest certified header
	Sampled   Height        `json:"sampled"`             // up to here every block is available to this node
	Asserted  Height        `json:"asserted"`            // newest block with exactly one unrefuted value
	Settled   Height        `json:"settled"`             // newest settled block
	Unsettled string        `json:"unsettled,omitempty"` // why blocks with transactions of users do not settle, where they do not
	Peers     int           `json:"peers"`
	Committee CommitteeSize `json:"committee"`
	Stopped   *Stopped      `json:"stopped,omitempty"` // the node follows the chain no further
	Joining   *Joining      `json:"joining,omitempty"` // how the node comes near the newest block; absent once it was there
	Bond      *OwnBond      `json:"bond,omitempty"`    // of the node's own key, where it has or needs one

	Network      string    `json:"network"` // its name
	Version      string    `json:"version"`
	Since        time.Time `json:"since"`                    // when the node was opened
	CertifiedAt  time.Time `json:"certifiedAt"`              // time of the newest certified block
	Confidence   float64   `json:"confidenceBits,omitempty"` // of the newest verdict of sampling: the chance to be fooled is 2 to the minus this
	Relayed      int       `json:"relayedPeers,omitempty"`   // of the peers, those that only a relay connects
	Reachability string    `json:"reachability,omitempty"`   // in the open internet: reachable, relayed, unreachable or unknown
	Account      string    `json:"account,omitempty"`        // the node's own, which pays for what it posts
	Budgets      []Budget  `json:"budgets,omitempty"`        // what the node keeps within
	Ready        bool      `json:"ready"`
	Health       []Ailing  `json:"health"` // the worst first
}

// Joining is how far a node has come that started behind the newest block.
type Joining struct {
	Stage        string `json:"stage"`                  // headers, state, build, bodies or blocks
	Done         uint64 `json:"done"`                   // headers or blocks; thousandths of the state
	Total        uint64 `json:"total"`                  // 0: not known; of headers an estimate
	Text         string `json:"text"`                   // in words
	LeastSeconds uint64 `json:"leastSeconds,omitempty"` // how long the stage still takes, where it can be told
	MostSeconds  uint64 `json:"mostSeconds,omitempty"`
}

// Budget is a bound that the node keeps, and how much of it is used.
type Budget struct {
	Name   string `json:"name"` // rows, disk, memory, bandwidth
	Used   uint64 `json:"used"`
	Budget uint64 `json:"budget"`
	Unit   string `json:"unit"` // bytes, or bytes/s
}

// Wei is an amount; in JSON a hex quantity.
type Wei = hexutil.Big

// OwnBond is how the bond of the node's own key stands after the newest executed block.
type OwnBond struct {
	Role     string `json:"role,omitempty"`  // sequencer or prover
	State    string `json:"state"`           // none, active, leaving, released, slashed; unknown if it cannot be read
	Stake    *Wei   `json:"stake,omitempty"` // wei
	Owner    string `json:"owner,omitempty"`
	Operator string `json:"operator,omitempty"`
	Serves   bool   `json:"serves"`         // is in the committee
	Next     bool   `json:"next"`           // would be in the next one, as the bonds stand
	Note     string `json:"note,omitempty"` // in words: what its owner should know, or do
}

// Stopped is why a node follows the chain no further: a quorum proved corrupt.
type Stopped struct {
	Height Height     `json:"height"` // of the first header that nothing may be built on
	Digest types.Hash `json:"digest"` // of the header that proves it
	Kind   string     `json:"kind"`   // in words
	Reason string     `json:"reason"` // what happened and what to do
}

// Conviction is a sequencer's misconduct, proven by a challenge.
type Conviction struct {
	Sequencer string `json:"sequencer"` // peer ID
	Kind      string `json:"kind"`      // "bad-encoding", "double-header", "double-vertex" or "double-signature"
	Height    Height `json:"height"`    // of the block; 0 for vertices and signatures
	Challenge string `json:"challenge"` // CID
}

// CommitteeSize counts members; the quorum is in stake.
type CommitteeSize struct {
	Size   int         `json:"size"`
	Quorum types.Stake `json:"quorum"`
}

// Verdict is what sampling says of a block.
type Verdict string

// The verdicts of sampling.
const (
	VerdictAvailable   Verdict = "available"
	VerdictUnavailable Verdict = "unavailable"
	VerdictPending     Verdict = "pending"
	VerdictMisencoded  Verdict = "misencoded" // a quorum signed rows that are no encoding of anything
)

// Sampling is what this node itself asked for and got of one block.
type Sampling struct {
	Verdict  Verdict `json:"verdict"`
	Asked    int     `json:"asked"`
	Answered int     `json:"answered"`
	Wrong    int     `json:"wrong"`    // answers that were the peer's lie
	MissLog2 float64 `json:"missLog2"` // log2 of the chance that an unavailable block passes; 0: nothing is known
	Took     float64 `json:"tookMs"`   // from first seeing the header to the last look
	Stale    bool    `json:"stale"`    // no certified header came for a while: the node may be cut off
	Indices  []int   `json:"indices"`
	// Live is the share of the block's rows that live, where this node stores some and has estimated it.
	Live *float64 `json:"live,omitempty"`
}

// Audit is the evidence of a transaction's place. Times are microseconds since 1970.
type Audit struct {
	Batch    types.BatchID  `json:"-"`
	Receipts []AuditReceipt `json:"receipts"`
	FairTime types.Time     `json:"fairTime"`
	Spread   types.Time     `json:"spread"` // between the earliest and the latest of the receipts that made the quorum
	Height   Height         `json:"height"`
	Index    uint64         `json:"index"` // place in the block's order
}

// MarshalJSON spells the batch as its CID. A nil audit is null: the RPC server calls this method on nil results too.
func (a *Audit) MarshalJSON() ([]byte, error) {
	if a == nil {
		return []byte("null"), nil
	}
	type plain Audit
	shown := plain(*a)
	if shown.Receipts == nil {
		shown.Receipts = []AuditReceipt{}
	}
	return json.Marshal(struct {
		Batch string `json:"batch"`
		plain
	}{a.Batch.String(), shown})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (a *Audit) UnmarshalJSON(raw []byte) error {
	type plain Audit
	wire := struct {
		Batch string `json:"batch"`
		*plain
	}{plain: (*plain)(a)}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}
	id, err := types.ParseBatchID(wire.Batch)
	a.Batch = id
	return err
}

// AuditReceipt is one entry of the quorum that completed a batch.
type AuditReceipt struct {
	Sequencer string      `json:"sequencer"` // peer ID
	Time      types.Time  `json:"time"`
	Explicit  bool        `json:"explicit"` // false: the time of a vertex that has the batch among its ancestors
	Round     types.Round `json:"round"`
	Vertex    types.Hash  `json:"vertex"` // digest; sequencers serve the signed vertex
}

// Assertion is a prover's claim as far as it concerns one height.
type Assertion struct {
	Prover  string     `json:"prover"` // peer ID
	From    Height     `json:"from"`   // first block asserted
	To      Height     `json:"to"`
	Claim   types.Hash `json:"claim"`  // last claim of this height: with the block, its value
	Chunks  int        `json:"chunks"` // claims of this height
	State   string     `json:"state"`  // "asserted", "refuted" or "settled"
	Matches *bool      `json:"matches,omitempty"`
	Time    uint64     `json:"time"` // milliseconds since 1970 when this node got it
}

// Challenge is a challenge this node verified.
type Challenge struct {
	ID         string `json:"id"` // CID, by which bedrock_getChallenge gives it
	Height     Height `json:"height"`
	Kind       string `json:"kind"`
	Accused    string `json:"accused"`    // peer ID
	Challenger string `json:"challenger"` // peer ID
	Verdict    string `json:"verdict"`    // "valid" or "invalid"
	Ms         uint64 `json:"ms"`         // from the assertion's arrival to the verdict
}

// TransactionStatus is how far a transaction has come.
type TransactionStatus struct {
	// State is "pending" (admitted, in no block), "ordered" (in a block that is not executed here), "executed" or
	// "skipped" (in the order, without effect).
	State  string  `json:"state"`
	Reason string  `json:"reason,omitempty"` // why it was skipped
	Height *Height `json:"height,omitempty"`
	Index  *uint64 `json:"index,omitempty"` // place in the block's order
	// Certified, Sampled, Asserted and Settled say what holds of its block.
	Certified bool `json:"certified"`
	Sampled   bool `json:"sampled"`
	Asserted  bool `json:"asserted"`
	Settled   bool `json:"settled"`
}
