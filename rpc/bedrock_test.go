package rpc_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// network answers with what the test put in; unknown heights are nil.
type network struct {
	committee *types.Committee
	header    types.CertifiedHeader
}

func (n *network) Status(context.Context) (*rpc.Status, error) {
	return &rpc.Status{Role: "peer", PeerID: "12D3", NetworkID: "ab", Round: 7, Height: 10, Certified: 300, Sampled: 9,
		Asserted: 8, Settled: 2, Peers: 3, Committee: rpc.CommitteeSize{Size: 1, Quorum: 1}}, nil
}

func (n *network) Header(_ context.Context, height types.Height) (*types.CertifiedHeader, *types.Committee, error) {
	if height != n.header.Header.Height {
		return nil, nil, nil
	}
	return &n.header, n.committee, nil
}

func (n *network) Sampling(context.Context, types.Height) (*rpc.Sampling, error) {
	return &rpc.Sampling{Verdict: rpc.VerdictAvailable, Asked: 33, Answered: 32, MissLog2: -39.5}, nil
}

func (n *network) Audit(_ context.Context, tx rpc.TxHash) (*rpc.Audit, error) {
	if tx[0] == 0xff {
		return nil, nil
	}
	return &rpc.Audit{Batch: types.BatchIDOf(tx[:]), FairTime: 1_800_000_000_000_123, Spread: 5, Height: 17, Index: 3,
		Receipts: []rpc.AuditReceipt{{Sequencer: "12D3", Time: 1_800_000_000_000_120, Explicit: true, Round: 4, Vertex: types.Hash{9}}}}, nil
}

func (n *network) Assertions(context.Context, types.Height) ([]rpc.Assertion, error) { return nil, nil }

func (n *network) Challenges(_ context.Context, from, to types.Height) ([]rpc.Challenge, error) {
	return []rpc.Challenge{{Height: rpc.Height(from), Kind: "state", Accused: "a", Challenger: "b", Verdict: "valid", Ms: 12}}, nil
}

func (n *network) Committee(_ context.Context, epoch types.Epoch) (*types.Committee, error) {
	if epoch != 0 {
		return nil, nil
	}
	return n.committee, nil
}

func (n *network) TransactionStatus(context.Context, rpc.TxHash) (*rpc.TransactionStatus, error) {
	height, index := rpc.Height(17), uint64(3)
	return &rpc.TransactionStatus{State: "skipped", Reason: "nonce too low", Height: &height, Index: &index, Certified: true}, nil
}

func (n *network) Challenge(_ context.Context, id types.BatchID) ([]byte, error) {
	if id != types.BatchIDOf([]byte("upheld")) {
		return nil, nil
	}
	return []byte("upheld"), nil
}

func (n *network) Convictions(context.Context) ([]rpc.Conviction, error) { return nil, nil }

func TestBedrockMethods(t *testing.T) {
	// The Ed25519 base point: a sound key.
	key := types.PublicKey{0x58}
	for i := 1; i < len(key); i++ {
		key[i] = 0x66
	}
	committee, err := types.NewCommittee([]types.CommitteeMember{{Key: key, Stake: 1}})
	if err != nil {
		t.Fatal(err)
	}
	signers := types.NewBitmap(1)
	signers.Set(0)
	n := &network{committee: committee, header: types.CertifiedHeader{
		Header:      types.Header{Version: 1, Height: 17, Time: 1_800_000_000_500_000, Commitment: types.Hash{1}},
		Certificate: types.Certificate{Signers: signers, Signatures: make([]types.Signature, 1)},
	}}
	f := serve(t, func(c *rpc.Config) { c.Bedrock = n })

	for _, c := range []struct {
		method     string
		parameters []any
		want       string // words that the answer has in this order
	}{
		{"bedrock_status", nil, `"role":"peer" "peerId":"12D3" "networkId":"ab" "epoch":0 "round":7 "height":"0xa" "certified":"0x12c"
			"sampled":"0x9" "asserted":"0x8" "settled":"0x2" "peers":3 "committee":{"size":1,"quorum":1}`},
		{"bedrock_getHeader", []any{"0x11"}, `"height":"0x11" "time":1800000000500 "signers":["` + key.PeerID() + `"] "signedStake":1 "quorum":1 "encoded":"0x`},
		{"bedrock_getHeader", []any{"0x12"}, `null`},
		{"bedrock_getSampling", []any{"0x11"}, `"verdict":"available" "asked":33 "answered":32 "wrong":0 "missLog2":-39.5 "indices":[]`},
		{"bedrock_auditTransaction", []any{"0x" + strings.Repeat("11", 32)}, `"batch":"bafk "receipts":[{"sequencer":"12D3" "time":1800000000000120
			"explicit":true "round":4 "vertex":"09 "fairTime":1800000000000123 "spread":5 "height":"0x11" "index":3`},
		{"bedrock_auditTransaction", []any{"0x" + strings.Repeat("ff", 32)}, `null`},
		{"bedrock_getAssertions", []any{"0x11"}, `[]`},
		{"bedrock_getChallenges", []any{"0x11", "0x12"}, `[{"id":"" "height":"0x11" "kind":"state" "accused":"a" "challenger":"b" "verdict":"valid" "ms":12}]`},
		{"bedrock_getChallenge", []any{types.BatchIDOf([]byte("upheld")).String()}, `"0x757068656c64"`},
		{"bedrock_getChallenge", []any{types.BatchIDOf([]byte("other")).String()}, `null`},
		{"bedrock_getConvictions", nil, `[]`},
		{"bedrock_getCommittee", []any{0}, `"size":1 "quorum":1 "peerId":"` + key.PeerID()},
		{"bedrock_getCommittee", []any{1}, `null`},
		{"bedrock_getTransactionStatus", []any{"0x" + strings.Repeat("11", 32)}, `"state":"skipped" "reason":"nonce too low" "height":"0x11" "index":3`},
	} {
		have := f.call(c.method, c.parameters...)
		rest := string(have.Result)
		for _, field := range strings.Fields(c.want) {
			at := strings.Index(rest, field)
			if at < 0 {
				t.Errorf("%s: no %s in %s (%+v)", c.method, field, have.Result, have.Error)
				break
			}
			rest = rest[at:]
		}
	}
	if have := f.call("bedrock_getChallenges", "0x0", "0x10000"); have.code() != -38026 {
		t.Errorf("a wide range: code %d", have.code())
	}
	for _, bad := range []any{"17", "0x", "0xzz", -1, "0x10000000000000000"} {
		if have := f.call("bedrock_getHeader", bad); have.code() != -32602 {
			t.Errorf("height %v: code %d", bad, have.code())
		}
	}
	if have := f.call("bedrock_getChallenge", "no CID"); have.code() != -32602 {
		t.Errorf("a challenge by no CID: code %d", have.code())
	}
	if have := f.call("eth_syncing"); !strings.Contains(string(have.Result), `"highestBlock":"0x12c"`) {
		t.Errorf("eth_syncing 300 blocks behind: %s", have.Result)
	}
	if have := f.call("net_peerCount"); string(have.Result) != `"0x3"` {
		t.Errorf("net_peerCount: %s", have.Result)
	}
}

func TestAuditRoundTrip(t *testing.T) {
	want, _ := (&network{}).Audit(context.Background(), rpc.TxHash{1})
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var have rpc.Audit
	if err := json.Unmarshal(raw, &have); err != nil || have.Batch != want.Batch || have.Receipts[0] != want.Receipts[0] || have.FairTime != want.FairTime {
		t.Errorf("%+v, %v", have, err)
	}
}
