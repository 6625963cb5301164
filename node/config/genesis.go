package config

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"time"

	"github.com/etherscale/bedrock/types"
)

// DevnetChainID is the chain id of development networks (0xbed0).
const DevnetChainID = 48848

// FeeVault is the account that collects tips and base fees: the bonding contract, where there is one.
const FeeVault = "0x00000000000000000000000000000000000bed05"

// GenesisOptions describe a new network.
type GenesisOptions struct {
	Name      string
	ChainID   uint64
	Time      time.Time
	Payload   types.Payload
	Committee []types.PublicKey // equal stake
	Provers   []types.PublicKey
	Accounts  []string // funded addresses, 0x-hex
	// Owners are funded addresses that own the bonds of committee and provers, in this order; default: Accounts, in turn.
	Owners  []string
	Balance *big.Int // wei each
	Alloc   map[string]types.GenesisAccount
	// ChallengeWindow in header time; default 30 minutes.
	ChallengeWindow time.Duration
	// Heartbeat is after how much idle time an empty block closes; default 10 s.
	Heartbeat time.Duration
	// LightAbsence is how long a light client may be away and follow on by headers alone; stake stays bonded at least so long.
	// Default 14 days.
	LightAbsence time.Duration
	// BlockInterval is the time between two blocks; default 500 ms.
	BlockInterval time.Duration
	// EpochLength is after how many blocks the committee may change; default 10 million, 58 days at two blocks a second.
	EpochLength uint64
	// Handovers name the committees of later epochs, in place of a bonding contract.
	Handovers []types.Handover
}

func sortMembers(list []types.CommitteeMember) {
	sort.Slice(list, func(i, j int) bool { return bytes.Compare(list[i].Key[:], list[j].Key[:]) < 0 })
}

func micros(d time.Duration) uint64 { return uint64(d.Microseconds()) }

// NewGenesis fills the defaults of docs/design.md and validates the result.
func NewGenesis(o GenesisOptions) (*types.Genesis, error) {
	window := o.ChallengeWindow
	if window == 0 {
		window = 30 * time.Minute
	}
	heartbeat := o.Heartbeat
	if heartbeat == 0 {
		heartbeat = 10 * time.Second
	}
	absence := o.LightAbsence
	if absence == 0 {
		absence = 14 * 24 * time.Hour
	}
	interval := o.BlockInterval
	if interval == 0 {
		interval = 500 * time.Millisecond
	}
	g := &types.Genesis{
		Version: 1, Name: o.Name, ChainID: o.ChainID, Time: types.TimeOf(o.Time.Truncate(time.Second)), Payload: o.Payload,
		Provers: o.Provers, Alloc: map[string]types.GenesisAccount{},
		BlockInterval: micros(interval), Heartbeat: micros(heartbeat),
		BlockBytes: 2 << 20, BlockGas: 60_000_000,
		BaseFee: 1_000_000_000, BaseFeeFloor: 1_000_000, GasTarget: 60_000_000,
		ChunkTransactions: 64, ChunkGas: 1 << 24, ChunkBytes: 2 << 20,
		ChallengeWindow: micros(window), WindowStep: micros(20 * time.Second),
		Retention:    micros(max(4*window, 24*time.Hour)),
		LightAbsence: micros(absence), ShardReplicas: 3, FeeVault: FeeVault, RuleVersion: 1,
	}
	if g.EpochLength = o.EpochLength; g.EpochLength == 0 {
		g.EpochLength = 10_000_000
	}
	g.UnbondingDelay = g.ChallengeWindow + g.EpochLength*g.Heartbeat + g.LightAbsence
	for _, key := range o.Committee {
		g.Committee = append(g.Committee, types.CommitteeMember{Key: key, Stake: 1})
	}
	sortMembers(g.Committee)
	for _, h := range o.Handovers {
		members := append([]types.CommitteeMember(nil), h.Committee...)
		sortMembers(members)
		g.Handovers = append(g.Handovers, types.Handover{Epoch: h.Epoch, Committee: members})
	}
	for address, account := range o.Alloc {
		g.Alloc[address] = account
	}
	for _, address := range slices.Concat(o.Accounts, o.Owners) {
		g.Alloc[address] = types.GenesisAccount{Balance: fmt.Sprintf("0x%x", o.Balance)}
	}
	if o.Payload == types.PayloadEthereum && len(o.Handovers) == 0 {
		g.Bonding = newBonding(o)
	}
	return g, g.Validate()
}

// maxCommittee is how many sequencers an epoch has at most: every vertex goes to all of them.
const maxCommittee = 64

// newBonding bonds committee and provers with a unit of stake each, which is one ether and the smallest bond there is.
func newBonding(o GenesisOptions) *types.Bonding {
	b := &types.Bonding{StakeUnit: 1e18, MinStake: 1, MaxCommittee: max(maxCommittee, len(o.Committee)), ProverStake: 1, ProverShare: 5000}
	owners := o.Owners
	if len(owners) == 0 {
		owners = o.Accounts
	}
	if len(owners) == 0 {
		return b
	}
	b.Owners = make(map[string]string)
	for i, key := range slices.Concat(o.Committee, o.Provers) {
		b.Owners[key.String()] = owners[i%len(owners)]
	}
	return b
}
