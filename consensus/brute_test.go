package consensus_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"testing"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

// bruteSeeds is how many random histories are compared.
const bruteSeeds = 1000

func bruteCommittee(t testing.TB, stakes []types.Stake) *types.Committee {
	t.Helper()
	members := make([]types.CommitteeMember, len(stakes))
	for i := range members {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("brute"), uint64(i)))
		key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		members[i] = types.CommitteeMember{Key: types.PublicKey(key), Stake: stakes[i]}
	}
	sort.Slice(members, func(i, j int) bool { return bytes.Compare(members[i].Key[:], members[j].Key[:]) < 0 })
	for i := range members {
		members[i].Stake = stakes[i]
	}
	c, err := types.NewCommittee(members)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is everything a core said while it was fed.
type outcome struct {
	appended []consensus.Appended
	released []consensus.Released
	closed   []consensus.Closed
	cuts     []consensus.Cut
}

func (o *outcome) take(e consensus.Effects) {
	o.appended = append(o.appended, e.Appended...)
	o.released = append(o.released, e.Released...)
	o.closed = append(o.closed, e.Closed...)
	if e.Cut != nil {
		o.cuts = append(o.cuts, *e.Cut)
	}
}

// observer is a core that only follows.
type observer struct {
	core *consensus.Core
	now  types.Time
	outcome
}

// bruteRules has every third history end its epoch, every sixth after many blocks.
func bruteRules(seed uint64) consensus.Rules {
	rules := consensus.Rules{Interval: 60_000, Heartbeat: 400_000, BlockBytes: 600, BlockGas: 500_000, RuleVersion: 1}
	if seed%3 == 0 {
		rules.Interval, rules.Heartbeat, rules.EpochLength = 12_000, 30_000, 9
		if seed%6 == 3 {
			rules.Interval, rules.Heartbeat, rules.EpochLength = 12_000, 12_000, 24
		}
	}
	return rules
}

// namedNext is the next committee as the state has it.
func namedNext(seed uint64, committee *types.Committee) []types.CommitteeMember {
	members := committee.Members()
	members[0].Stake += 5
	if seed%2 == 1 {
		members = append(members[:3], members[4:]...)
	}
	return members
}

func newObserver(t testing.TB, d *randomDAG, parent types.Header, seed types.Hash, rules consensus.Rules) *observer {
	t.Helper()
	core, err := consensus.New(consensus.Config{Network: d.network, Committee: d.committee, Seed: seed, Self: -1, Parent: parent,
		Rules: rules, Windows: d.windows()})
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{core: core, now: d.start + 3_600_000_000}
	for _, b := range d.batches {
		o.step(heldBatch(b.id, d.start))
	}
	return o
}

// windows are short where batches are listed again.
func (d *randomDAG) windows() consensus.Windows {
	if d.repeats > 0 {
		return consensus.Windows{Repeats: d.repeats, Transactions: 5}
	}
	return consensus.Windows{Repeats: 1000, Transactions: 1000}
}

// receive hands over a vertex, and the bodies that were forgotten since.
func (o *observer) receive(v *types.Vertex) {
	o.step(consensus.VertexReceived{Vertex: v, From: v.Author(), Asked: true})
	for _, r := range v.Body().Receipts {
		o.step(heldBatch(r.Batch, o.now))
	}
}

func heldBatch(id types.BatchID, at types.Time) consensus.BatchHeld {
	held := consensus.BatchHeld{ID: id, Size: 100, Time: at, From: -1}
	for _, tx := range batchContents(id) {
		held.Txs = append(held.Txs, consensus.TxInfo{Hash: tx.Hash, Gas: tx.Gas, Size: tx.Size})
	}
	return held
}

// step feeds one event and answers every request for an encoding at once.
func (o *observer) step(ev consensus.Event) {
	effects := o.core.Step(o.now, ev)
	o.take(effects)
	for _, id := range effects.Recall {
		o.step(heldBatch(id, o.now))
	}
	for _, e := range effects.Encode {
		o.step(consensus.Encoded{Height: e.Height, DataLength: uint64(len(e.Transactions)), Commitment: types.Hash{1}})
	}
}

// batchContents gives a batch one to three transactions; neighbours share some, so duplicates occur.
func batchContents(id types.BatchID) []brute.Tx {
	k := int(id[10])
	var txs []brute.Tx
	for i := range 1 + k%3 {
		h := types.Hash{byte(k/4 + i), 7}
		txs = append(txs, brute.Tx{Hash: h, Gas: 21_000 + 100_000*uint64(h[0]%3), Size: 40 + uint64(h[0]%100)})
	}
	return txs
}

// TestBruteForce compares the core with the brute-force twin on random histories, at two cuts of each, and demands that
// every rule was exercised.
func TestBruteForce(t *testing.T) {
	total := map[string]int{}
	seeds := uint64(bruteSeeds)
	if testing.Short() {
		seeds /= 10
	}
	for seed := range seeds {
		stakes := make([]types.Stake, []int{4, 7}[seed%2])
		for i := range stakes {
			stakes[i] = 1
			if seed%10 == 9 {
				stakes[i] = types.Stake(3 + (int(seed)+i)%4)
			}
		}
		committee := bruteCommittee(t, stakes)
		compareOnce(t, seed, committee, total)
		if t.Failed() {
			t.Fatalf("failing seed: %d", seed)
		}
	}
	t.Logf("rules exercised over %d seeds: %v", seeds, total)
	if testing.Short() {
		t.Skip("-short: too few histories to demand that every rule was exercised")
	}
	for _, rule := range []string{"direct commit", "direct skip", "indirect commit", "indirect skip", "implicit receipts", "openings", "voids", "exclusions", "epoch ends", "listed anew", "verdicts", "unrewarded", "convicted left out"} {
		if total[rule] < 50 {
			t.Errorf("%s occurred %d times, want at least 50", rule, total[rule])
		}
	}
}

func compareOnce(t *testing.T, seed uint64, committee *types.Committee, total map[string]int) {
	network := types.NetworkID{9}
	parent := types.Header{Version: types.Version, Network: network, Time: 1_700_000_000_000_000 + types.Time(seed*1000)}
	epochSeed := types.Hash(sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed)))
	d := newRandomDAG(seed, committee, network, parent.Time)
	rules, named := bruteRules(seed), namedNext(seed, committee)
	oracle := newObserver(t, d, parent, epochSeed, rules)
	oracle.step(consensus.NextEpoch{Committee: named})
	d.play(oracle)
	order := d.topological()
	o := newObserver(t, d, parent, epochSeed, rules)
	o.step(consensus.NextEpoch{Committee: named})
	cut := len(order) * 2 / 3
	for i, v := range order {
		o.receive(v)
		if err := o.core.Err(); err != nil {
			t.Fatalf("seed %d: the core halted: %v", seed, err)
		}
		if i+1 == cut || i+1 == len(order) {
			windows := d.windows()
			setting := brute.Setting{Committee: committee, Seed: epochSeed, Start: parent.Time,
				Repeats: windows.Repeats, Transactions: windows.Transactions}
			counts := compareCut(t, o, setting, rules, named, order[:i+1])
			if i+1 == len(order) {
				for k, n := range counts {
					total[k] += n
				}
			}
		}
	}
}

func compareCut(t *testing.T, o *observer, setting brute.Setting, rules consensus.Rules, named []types.CommitteeMember,
	view []*types.Vertex) map[string]int {
	appended, verdicts := brute.Sequence(setting, view)
	contents := map[types.BatchID][]brute.Tx{}
	for _, v := range view {
		for _, r := range v.Body().Receipts {
			contents[r.Batch] = batchContents(r.Batch)
		}
	}
	limits := brute.Limits{Interval: rules.Interval, Heartbeat: rules.Heartbeat, Bytes: rules.BlockBytes, Gas: rules.BlockGas,
		EpochLength: rules.EpochLength}
	blocks, fair := brute.Blocks(setting, limits, appended, contents)
	expect(t, "sequence", lines(appended, func(i int, a brute.Appended) string {
		return fmt.Sprintf("%d %s slot %d", i, a.Vertex.Digest(), a.SlotRound)
	}), lines(o.appended, func(_ int, a consensus.Appended) string {
		return fmt.Sprintf("%d %s slot %d", a.Index, a.Vertex.Digest, a.Slot.Round)
	}))
	expect(t, "release", lines(fair.Released, func(_ int, r brute.Released) string {
		return fmt.Sprintf("%s T=%d after %d", r.Batch, r.T, r.After)
	}), lines(o.released, func(_ int, r consensus.Released) string {
		return fmt.Sprintf("%s T=%d after %d", r.Batch, r.FairTime, r.Index)
	}))
	expect(t, "blocks", lines(blocks, func(i int, b brute.Block) string {
		return fmt.Sprintf("%d time %d after %d: %d txs, verdicts %v", i+1, b.Time, b.After, len(b.Txs), b.Verdicts)
	}), lines(o.closed, func(_ int, c consensus.Closed) string {
		return fmt.Sprintf("%d time %d after %d: %d txs, verdicts %v", c.Header.Height, c.Header.Time, c.Header.VertexIndex,
			len(c.Transactions), c.Header.Verdicts)
	}))
	return map[string]int{
		"listed anew": fair.Counts.Again,
		"epoch ends":  compareEnd(t, o, setting, limits, appended, blocks, named),
		"verdicts":    listedIn(o.closed), "unrewarded": unrewarded(o, appended), "convicted left out": convicted(o, named),
		"direct commit": verdicts[brute.DirectCommit], "direct skip": verdicts[brute.DirectSkip],
		"indirect commit": verdicts[brute.IndirectCommit], "indirect skip": verdicts[brute.IndirectSkip],
		"implicit receipts": fair.Counts.Implicit, "openings": fair.Counts.Openings,
		"voids": fair.Counts.Voids, "exclusions": fair.Counts.Exclusions, "blocks": len(blocks), "released": len(fair.Released),
	}
}

// compareEnd compares the epoch's last header, and counts it.
func compareEnd(t *testing.T, o *observer, setting brute.Setting, limits brute.Limits, appended []brute.Appended,
	blocks []brute.Block, named []types.CommitteeMember) int {
	for i, b := range o.closed {
		if last := limits.EpochLength > 0 && uint64(i+1) == limits.EpochLength; last != (b.Header.Next != nil) {
			t.Errorf("header %d: ends the epoch: %v", b.Header.Height, !last)
		}
	}
	if limits.EpochLength == 0 || uint64(len(blocks)) < limits.EpochLength || t.Failed() {
		return 0
	}
	var headers []types.Hash
	for _, b := range o.closed {
		headers = append(headers, b.Header.Digest())
	}
	want := brute.EpochEnd(setting, limits, appended, blocks, headers, named, 1)
	next := o.closed[len(o.closed)-1].Header.Next
	if got := (brute.End{Rewards: next.Rewards, Committee: next.Committee, Rules: next.RuleVersion}); !reflect.DeepEqual(got, want) {
		t.Errorf("epoch end: brute force says %+v, the core %+v", want, got)
	}
	return 1
}

// listedIn counts the verdicts in headers.
func listedIn(closed []consensus.Closed) (n int) {
	for _, c := range closed {
		n += len(c.Header.Verdicts)
	}
	return n
}

// unrewarded counts the vertices up to an epoch's end whose authors signed too few headers.
func unrewarded(o *observer, appended []brute.Appended) int {
	last := o.end()
	if last == nil {
		return 0
	}
	n := int(last.VertexIndex) + 1
	for i, a := range appended[:last.VertexIndex+1] {
		if slices.ContainsFunc(appended[:i], func(b brute.Appended) bool {
			return a.Vertex.Author() == b.Vertex.Author() && a.Vertex.Round() == b.Vertex.Round()
		}) {
			n--
		}
	}
	for _, r := range last.Next.Rewards {
		n -= int(r)
	}
	return n
}

// convicted counts the members that the state named, and that the last header leaves out though the epoch saw them at work.
func convicted(o *observer, named []types.CommitteeMember) (n int) {
	last := o.end()
	if last == nil {
		return 0
	}
	for _, c := range o.closed {
		for _, v := range c.Header.Verdicts {
			is := func(m types.CommitteeMember) bool { return m.Key == v.Accused }
			if slices.ContainsFunc(named, is) && !slices.ContainsFunc(last.Next.Committee, is) {
				n++
			}
		}
	}
	return n
}

// end is the epoch's last header, or nil.
func (o *observer) end() *types.Header {
	if n := len(o.closed); n > 0 && o.closed[n-1].Header.Next != nil {
		return &o.closed[n-1].Header
	}
	return nil
}

func lines[T any](list []T, line func(int, T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = line(i, x)
	}
	return out
}

// expect reports the first difference.
func expect(t *testing.T, what string, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("%s: the core stops at %d of %d, wants %s", what, i, len(want), want[i])
		case i >= len(want):
			t.Errorf("%s: the core goes on after %d with %s", what, len(want), got[i])
		case want[i] != got[i]:
			t.Errorf("%s %d: brute force says %s, the core %s", what, i, want[i], got[i])
		default:
			continue
		}
		return
	}
}
