package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// convictQuorum takes the consequences of a verified challenge that convicts a quorum: the chain is followed no further,
// nothing from the guilty header on is safe or settled, and a mis-encoded block's verdict says so. Of other challenges it
// does nothing. chain.ErrOld: the signers cannot be held to it any more.
func (n *Node) convictQuorum(f *fraud.Finding) error {
	if len(f.Signed) == 0 {
		return nil
	}
	kind := chain.ConflictEncoding
	if f.Kind == fraud.KindDoubleHeader {
		kind = chain.ConflictTwoHeaders
	}
	conflict := &chain.ConflictError{Kind: kind, Known: f.Signed[0], Other: f.Signed[len(f.Signed)-1]}
	if err := n.chain.Convict(conflict); err != nil {
		return err
	}
	if f.Kind != fraud.KindBadEncoding || n.sampling == nil {
		return nil
	}
	return n.sampling.Convict(&f.Signed[0].Header, f.Evidence)
}

// onBadEncoding challenges everyone who certified a mis-encoded block.
func (n *Node) onBadEncoding(ch types.CertifiedHeader, proof *coding.BadEncodingError) {
	n.log.Error("a certified block is badly encoded: a quorum of the committee is corrupt", "height", ch.Header.Height, "reason", proof)
	if n.proofs != nil {
		n.proofs.challengeEncoding(ch, proof)
		return
	}
	if err := n.chain.Convict(&chain.ConflictError{Kind: chain.ConflictEncoding, Known: ch, Other: ch}); err != nil {
		n.log.Error("following a mis-encoded chain was not stopped", "error", err)
	}
}

// challengeConflict tells others of two certified headers of one height, which the chain came upon itself.
func (n *Node) challengeConflict(err error) {
	var conflict *chain.ConflictError
	if n.proofs == nil || !errors.As(err, &conflict) || conflict.Kind != chain.ConflictTwoHeaders {
		return
	}
	n.proofs.raise(fraud.NewDoubleHeader(n.payee(), &conflict.Known, &conflict.Other))
}

// orderBlocks is the sequencer's ordering. When a quorum proves corrupt it ends, as following does, and the node goes on
// answering: what an honest member signed on top would only help the others' chain along.
func (n *Node) orderBlocks(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	signal, cancel := n.chain.Subscribe()
	defer cancel()
	go func() {
		for inner.Err() == nil && !errors.Is(n.chain.Err(), chain.ErrConflict) {
			select {
			case <-inner.Done():
			case <-signal:
			}
		}
		stop()
	}()
	err := n.order.Run(inner)
	if !errors.Is(n.chain.Err(), chain.ErrConflict) {
		return err
	}
	n.log.Error("this sequencer orders no further: a quorum of the committee is corrupt", "error", err)
	<-ctx.Done()
	return nil
}

// stopped says why the chain is followed no further; nil while it is.
func (n *Node) stopped() *rpc.Stopped {
	var conflict *chain.ConflictError
	if !errors.As(n.chain.Err(), &conflict) {
		return nil
	}
	return &rpc.Stopped{Height: rpc.Height(conflict.Other.Header.Height), Digest: conflict.Other.Header.Digest(),
		Kind: conflict.Kind.String(), Reason: conflict.Error()}
}

// mostConvictions bounds the convictions of quorums that are kept. One is enough to stop; more only name more members.
const mostConvictions = 16

func quorumKey(f *fraud.Finding) []byte { return append(heightKey(keyQuorum, f.Height), byte(f.Kind)) }

// takesConviction reports whether what convicts a quorum is new here and there is room for it.
func (l ledger) takesConviction(f *fraud.Finding) bool {
	known, err := l.db.Has(store.SpaceFraud, quorumKey(f))
	return err == nil && !known && len(l.quorumIDs()) < mostConvictions
}

// quorumIDs names the challenges that convict quorums.
func (l ledger) quorumIDs() (ids []types.BatchID) {
	_ = l.db.Scan(store.SpaceFraud, store.Range{From: []byte{keyQuorum}, To: []byte{keyQuorum + 1}}, func(_, value []byte) error {
		if len(value) == len(types.BatchID{}) {
			ids = append(ids, types.BatchID(value))
		}
		return nil
	})
	return ids
}

// convictions lists the members that were convicted: for twin vertices, which have no height, and with a quorum.
func (l ledger) convictions() (out []rpc.Conviction, err error) {
	heights := []types.Height{0}
	err = l.db.Scan(store.SpaceFraud, store.Range{From: []byte{keyQuorum}, To: []byte{keyQuorum + 1}}, func(key, _ []byte) error {
		if h := types.Height(binary.BigEndian.Uint64(key[1:9])); h != heights[len(heights)-1] {
			heights = append(heights, h)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("convictions: %w", err)
	}
	for _, h := range heights {
		records, err := l.challenges(h, h)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			switch r.Kind {
			case fraud.KindBadEncoding.String(), fraud.KindDoubleHeader.String(), fraud.KindDoubleVertex.String(), fraud.KindDoubleSignature.String():
				out = append(out, rpc.Conviction{Sequencer: r.Accused, Kind: r.Kind, Height: r.Height, Challenge: r.ID})
			}
		}
	}
	return out, nil
}

// Challenge implements rpc.Bedrock.
func (s *service) Challenge(_ context.Context, id types.BatchID) ([]byte, error) {
	if s.n.proofs == nil {
		return nil, nil
	}
	if encoded, upheld := s.n.proofs.ledger.challenge(id); upheld {
		return encoded, nil
	}
	encoded, _ := s.n.proofs.ledger.falseChallenge(id)
	return encoded, nil
}

// Convictions implements rpc.Bedrock.
func (s *service) Convictions(context.Context) ([]rpc.Conviction, error) {
	if s.n.proofs == nil {
		return nil, nil
	}
	return s.n.proofs.ledger.convictions()
}

var _ rpc.FalseVerdicts = (*service)(nil)

// FalseVerdicts implements rpc.FalseVerdicts.
func (s *service) FalseVerdicts(context.Context) ([]rpc.FalseVerdict, error) {
	if s.n.proofs == nil {
		return nil, nil
	}
	return s.n.proofs.ledger.falseVerdicts()
}
