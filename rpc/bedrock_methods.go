package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/types"
)

// BedrockMethods serves bedrock_*.
type BedrockMethods struct{ b Bedrock }

// Status answers bedrock_status.
func (m *BedrockMethods) Status(ctx context.Context) (*Status, error) { return m.b.Status(ctx) }

// Header is a block's header with who certified it. Encoded is the canonical encoding of header and certificate, from
// which everything else follows.
type Header struct {
	Height       Height           `json:"height"`
	Digest       types.Hash       `json:"digest"`
	Network      types.Hash       `json:"networkId"`
	Epoch        types.Epoch      `json:"epoch"`
	Parent       types.Hash       `json:"parent"`
	Time         uint64           `json:"time"` // milliseconds since 1970
	VertexIndex  uint64           `json:"vertexIndex"`
	VertexDigest types.Hash       `json:"vertex"`
	DataLength   uint64           `json:"dataLength"`
	Commitment   types.Hash       `json:"commitment"`
	Verdicts     []OrderedVerdict `json:"verdicts"`
	Signers      []string         `json:"signers"` // peer IDs
	SignedStake  types.Stake      `json:"signedStake"`
	Quorum       types.Stake      `json:"quorum"`
	Encoded      hexutil.Bytes    `json:"encoded"`
}

// OrderedVerdict is a challenge that the committee found valid.
type OrderedVerdict struct {
	Challenge string         `json:"challenge"`
	Kind      uint64         `json:"kind"`
	Accused   string         `json:"accused"` // peer ID
	Payee     common.Address `json:"payee"`
}

// GetHeader answers bedrock_getHeader.
func (m *BedrockMethods) GetHeader(ctx context.Context, height Height) (*Header, error) {
	certified, committee, err := m.b.Header(ctx, types.Height(height))
	if err != nil || certified == nil {
		return nil, err
	}
	h := &certified.Header
	out := &Header{
		Height: Height(h.Height), Digest: h.Digest(), Network: types.Hash(h.Network), Epoch: h.Epoch, Parent: h.Parent,
		Time: uint64(h.Time) / 1000, VertexIndex: h.VertexIndex, VertexDigest: h.VertexDigest,
		DataLength: h.DataLength, Commitment: h.Commitment,
		Verdicts: []OrderedVerdict{}, Signers: []string{}, Encoded: certified.Encode(),
	}
	for _, v := range h.Verdicts {
		out.Verdicts = append(out.Verdicts, OrderedVerdict{v.Challenge.String(), v.Kind, v.Accused.PeerID(), v.Payee})
	}
	if committee == nil {
		return out, nil
	}
	out.Quorum = committee.Quorum()
	for _, member := range certified.Certificate.Signers.Members() {
		if committee.Has(member) {
			out.Signers = append(out.Signers, committee.Member(member).Key.PeerID())
			out.SignedStake += committee.Stake(member)
		}
	}
	return out, nil
}

// GetSampling answers bedrock_getSampling.
func (m *BedrockMethods) GetSampling(ctx context.Context, height Height) (*Sampling, error) {
	sampling, err := m.b.Sampling(ctx, types.Height(height))
	if sampling != nil && sampling.Indices == nil {
		sampling.Indices = []int{}
	}
	return sampling, err
}

// AuditTransaction answers bedrock_auditTransaction.
func (m *BedrockMethods) AuditTransaction(ctx context.Context, tx TxHash) (*Audit, error) {
	return m.b.Audit(ctx, tx)
}

// GetAssertions answers bedrock_getAssertions; an empty list where nobody asserted the height.
func (m *BedrockMethods) GetAssertions(ctx context.Context, height Height) ([]Assertion, error) {
	assertions, err := m.b.Assertions(ctx, types.Height(height))
	return append([]Assertion{}, assertions...), err
}

// GetChallenges answers bedrock_getChallenges for an inclusive range.
func (m *BedrockMethods) GetChallenges(ctx context.Context, from, to Height) ([]Challenge, error) {
	if from > to {
		return nil, invalidParams("fromHeight %d is above toHeight %d", from, to)
	}
	if to-from >= MaxChallengeRange {
		return nil, limitExceeded("range from %d to %d, at most %d heights: ask for a smaller range", from, to, MaxChallengeRange)
	}
	challenges, err := m.b.Challenges(ctx, types.Height(from), types.Height(to))
	return append([]Challenge{}, challenges...), err
}

// GetChallenge answers bedrock_getChallenge: the encoded challenge, which proves itself to whoever has the genesis file; null
// if this node upheld none with the CID.
func (m *BedrockMethods) GetChallenge(ctx context.Context, cid string) (*hexutil.Bytes, error) {
	id, err := types.ParseBatchID(cid)
	if err != nil {
		return nil, invalidParams("challenge %q: want a CID", cid)
	}
	encoded, err := m.b.Challenge(ctx, id)
	if err != nil || encoded == nil {
		return nil, err
	}
	return (*hexutil.Bytes)(&encoded), nil
}

// GetConvictions answers bedrock_getConvictions: the sequencers that were proven dishonest.
func (m *BedrockMethods) GetConvictions(ctx context.Context) ([]Conviction, error) {
	convictions, err := m.b.Convictions(ctx)
	return append([]Conviction{}, convictions...), err
}

// Committee is who orders in an epoch.
type Committee struct {
	Epoch   types.Epoch `json:"epoch"`
	Size    int         `json:"size"`
	Stake   types.Stake `json:"stake"`
	Quorum  types.Stake `json:"quorum"`
	Members []Member    `json:"members"` // in the order of the bits of a certificate
}

// Member is a sequencer.
type Member struct {
	PeerID string          `json:"peerId"`
	Key    types.PublicKey `json:"key"`
	Stake  types.Stake     `json:"stake"`
}

// GetCommittee answers bedrock_getCommittee; the epoch is a plain number.
func (m *BedrockMethods) GetCommittee(ctx context.Context, epoch types.Epoch) (*Committee, error) {
	committee, err := m.b.Committee(ctx, epoch)
	if err != nil || committee == nil {
		return nil, err
	}
	out := &Committee{Epoch: epoch, Size: committee.Len(), Stake: committee.Total(), Quorum: committee.Quorum()}
	for _, member := range committee.Members() {
		out.Members = append(out.Members, Member{member.Key.PeerID(), member.Key, member.Stake})
	}
	return out, nil
}

// GetTransactionStatus answers bedrock_getTransactionStatus.
func (m *BedrockMethods) GetTransactionStatus(ctx context.Context, tx TxHash) (*TransactionStatus, error) {
	return m.b.TransactionStatus(ctx, tx)
}
