package types

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Payload says what the envelopes of a network are.
type Payload string

// The payload kinds. Opaque networks order bytes and execute nothing; they exist for benchmarks.
const (
	PayloadEthereum Payload = "ethereum"
	PayloadOpaque   Payload = "opaque"
)

// MaxGenesisBytes caps a genesis file.
const MaxGenesisBytes = 16 << 20

// What a genesis may allow in a chunk, so that a challenge of any chunk can be sent and verified (MaxChallengeBytes says why
// the bytes suffice).
const (
	maxChunkTransactions = 1024
	maxChunkGas          = 1 << 26 // four of the largest transactions
	maxChunkBytes        = 2 << 20
)

// GenesisAccount is an account that exists from height 0 on. Numbers are 0x-hex, as in Ethereum genesis files.
type GenesisAccount struct {
	Balance string            `json:"balance"`
	Nonce   uint64            `json:"nonce,omitempty"`
	Code    string            `json:"code,omitempty"`
	Storage map[string]string `json:"storage,omitempty"`
}

// Handover names the committee that is to begin an epoch.
type Handover struct {
	Epoch     Epoch             `json:"epoch"`
	Committee []CommitteeMember `json:"committee"` // ascending by key
}

// minHandover is the size of the smallest committee that a handover may name: a smaller one tolerates no fault, and an
// epoch's end keeps the old committee instead.
const minHandover = 4

// Genesis commits to every parameter that peers of a network must agree on. Durations are microseconds.
type Genesis struct {
	Version int     `json:"version"`
	Name    string  `json:"name"`
	ChainID uint64  `json:"chainId"`
	Time    Time    `json:"time"`
	Payload Payload `json:"payload"`

	Committee []CommitteeMember `json:"committee"` // ascending by key
	Provers   []PublicKey       `json:"provers"`   // may assert, from the start

	// Handovers name committees of later epochs in networks without a bonding contract: ascending by epoch, each in force
	// from its epoch on. Where none is named the committee stays.
	Handovers []Handover `json:"handovers,omitempty"`

	// Bonding is set where a bonding contract decides who orders and asserts; nil: the lists above do for ever.
	Bonding *Bonding `json:"bonding,omitempty"`

	EpochLength   uint64 `json:"epochLength"`   // blocks
	BlockInterval uint64 `json:"blockInterval"` // microseconds between boundaries
	Heartbeat     uint64 `json:"heartbeat"`     // microseconds after which an empty block closes
	BlockBytes    uint64 `json:"blockBytes"`    // block data an interval
	BlockGas      uint64 `json:"blockGas"`      // declared gas an interval

	BaseFee           uint64 `json:"baseFee"`           // wei, of the first block
	BaseFeeFloor      uint64 `json:"baseFeeFloor"`      // wei
	GasTarget         uint64 `json:"gasTarget"`         // gas a second of header time at which the base fee stands still
	ChunkTransactions uint64 `json:"chunkTransactions"` // a chunk closes after so many transactions
	ChunkGas          uint64 `json:"chunkGas"`          // or before it would go above this gas
	ChunkBytes        uint64 `json:"chunkBytes"`        // or above these metered witness bytes
	ChallengeWindow   uint64 `json:"challengeWindow"`   // microseconds of header time
	WindowStep        uint64 `json:"windowStep"`        // microseconds a single block adds to a window at most

	Retention      uint64                    `json:"retention"`      // microseconds rows and blocks are kept
	UnbondingDelay uint64                    `json:"unbondingDelay"` // microseconds
	LightAbsence   uint64                    `json:"lightAbsence"`   // microseconds a light client may be away
	ShardReplicas  int                       `json:"shardReplicas"`  // holders of each row
	FeeVault       string                    `json:"feeVault"`       // address that gets tips and base fee
	RuleVersion    uint64                    `json:"ruleVersion"`    // rules of epoch 0
	Alloc          map[string]GenesisAccount `json:"alloc"`
}

// Encode is the canonical encoding: JSON without white space, keys in the order of the struct, maps by ascending key.
func (g *Genesis) Encode() ([]byte, error) { return json.Marshal(g) }

// NetworkID is sha256 of the canonical encoding.
func (g *Genesis) NetworkID() (NetworkID, error) {
	encoded, err := g.Encode()
	if err != nil {
		return NetworkID{}, fmt.Errorf("genesis: %w", err)
	}
	return sha256.Sum256(encoded), nil
}

// DecodeGenesis reads a genesis file (any white space), refuses unknown keys and trailing bytes, and validates it.
func DecodeGenesis(file []byte) (*Genesis, error) {
	if len(file) > MaxGenesisBytes {
		return nil, fmt.Errorf("genesis of %d bytes, at most %d: %w", len(file), MaxGenesisBytes, ErrMalformed)
	}
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	g := new(Genesis)
	if err := dec.Decode(g); err != nil {
		return nil, fmt.Errorf("genesis: %w: %w", ErrMalformed, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("genesis: bytes after its end: %w", ErrMalformed)
	}
	return g, g.Validate()
}

// Validate returns everything that is wrong with the genesis, each problem naming its key.
func (g *Genesis) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("genesis: "+format, args...))
		}
	}
	need(g.Version == 1, "version %d, this program knows 1", g.Version)
	need(g.ChainID > 0, "chainId must be above 0")
	need(g.Payload == PayloadEthereum || g.Payload == PayloadOpaque, "payload %q is neither ethereum nor opaque", g.Payload)
	need(g.EpochLength > 64, "epochLength %d must be above 64 blocks", g.EpochLength)
	need(g.BlockInterval >= 10_000, "blockInterval %d is below 10 ms", g.BlockInterval)
	need(g.Heartbeat >= g.BlockInterval, "heartbeat %d is below blockInterval", g.Heartbeat)
	need(g.BlockBytes >= 2*MaxLoneTransactionBytes && g.BlockBytes <= 64<<20, "blockBytes %d is not in 256 KiB..64 MiB", g.BlockBytes)
	need(g.BlockGas >= 1<<24, "blockGas %d is below one transaction's cap of 2^24", g.BlockGas)
	need(g.BaseFee >= g.BaseFeeFloor && g.BaseFeeFloor > 0, "baseFee must be at or above a baseFeeFloor above 0")
	need(g.GasTarget > 0, "gasTarget must be above 0")
	need(g.ChunkTransactions > 0 && g.ChunkGas >= 1<<24 && g.ChunkBytes >= 64<<10, "chunk limits are too small")
	need(g.ChunkTransactions <= maxChunkTransactions && g.ChunkGas <= maxChunkGas && g.ChunkBytes <= maxChunkBytes,
		"chunk limits are too large: a challenge of a chunk must fit %d bytes and be verified within seconds", MaxChallengeBytes)
	need(g.ChallengeWindow > 0 && g.WindowStep > 0, "challengeWindow and windowStep must be above 0")
	need(g.Retention >= 4*g.ChallengeWindow, "retention %d must be at least 4 challenge windows", g.Retention)
	epoch := g.EpochLength * g.Heartbeat
	need(g.UnbondingDelay >= g.ChallengeWindow+epoch+g.LightAbsence,
		"unbondingDelay %d must be at least window + epoch + lightAbsence = %d", g.UnbondingDelay, g.ChallengeWindow+epoch+g.LightAbsence)
	need(g.ShardReplicas >= 1 && g.ShardReplicas <= 20, "shardReplicas %d is not in 1..20", g.ShardReplicas)
	if _, err := NewCommittee(g.Committee); err != nil {
		problems = append(problems, fmt.Errorf("genesis: %w", err))
	}
	problems = append(problems, g.checkHandovers(), g.checkBonding())
	for i, key := range g.Provers {
		if err := CheckKey(key); err != nil {
			problems = append(problems, fmt.Errorf("genesis: prover %d: %w", i, err))
		}
	}
	return errors.Join(problems...)
}

func (g *Genesis) checkHandovers() error {
	var before Epoch
	for _, h := range g.Handovers {
		if h.Epoch <= before {
			return fmt.Errorf("genesis: handover to epoch %d after epoch %d: they must ascend, from epoch 1 on", h.Epoch, before)
		}
		before = h.Epoch
		if len(h.Committee) < minHandover {
			return fmt.Errorf("genesis: handover to epoch %d names %d sequencers, at least %d are needed", h.Epoch, len(h.Committee), minHandover)
		}
		if _, err := NewCommittee(h.Committee); err != nil {
			return fmt.Errorf("genesis: handover to epoch %d: %w", h.Epoch, err)
		}
	}
	return nil
}

// NextCommittee is who is to order in an epoch, as far as the genesis decides it: the committee of a handover, else the
// one before, current. Who of current did nothing in the second half of its epoch is left out by the ordering.
func (g *Genesis) NextCommittee(epoch Epoch, current *Committee) []CommitteeMember {
	for _, h := range g.Handovers {
		if h.Epoch == epoch {
			return append([]CommitteeMember(nil), h.Committee...)
		}
	}
	return current.Members()
}

// Sequences reports whether a key is in any committee that the genesis names.
func (g *Genesis) Sequences(key PublicKey) bool {
	committees := [][]CommitteeMember{g.Committee}
	for _, h := range g.Handovers {
		committees = append(committees, h.Committee)
	}
	for _, c := range committees {
		for _, m := range c {
			if m.Key == key {
				return true
			}
		}
	}
	return false
}

// Header is the header of height 0: it is not certified; everybody who holds the genesis file computes it.
func (g *Genesis) Header() (Header, error) {
	id, err := g.NetworkID()
	return Header{Version: Version, Network: id, Time: g.Time}, err
}

// Seed is the epoch seed of epoch 0.
func (g *Genesis) Seed() (Hash, error) {
	id, err := g.NetworkID()
	return EpochSeed(id[:]), err
}

// EpochSeed is sha256("bedrock/seed" || the last header of the previous epoch, encoded); for epoch 0 the network id
// stands in for the header.
func EpochSeed(last []byte) Hash { return sha256.Sum256(append([]byte("bedrock/seed"), last...)) }
