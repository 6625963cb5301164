package sampling

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// ErrUnproven says that a receipt does not hold: something in it contradicts the network's genesis or itself.
var ErrUnproven = errors.New("sampling: the receipt does not hold")

// Proven is what a receipt that holds says.
type Proven struct {
	Height     types.Height
	Commitment types.Hash
	Params     coding.Params
	Verdict    Verdict // Available, Misencoded, or Unavailable: too few rows had come when it was written
	Asked      int
	Answered   int
	Stage      int     // rule that was satisfied: 0 or 1
	MissLog2   float64 // see Result
	Epochs     int     // certificates checked beside the block's own
}

// Verify checks the receipt against the network's genesis file, and nothing else: that a quorum certified the block, in a
// chain of committees from the genesis or from the checkpoint (if not nil, the caller vouches for it); that the shape
// follows from the length and the roots from the commitment; that the hash of every row has its place under the row root;
// and what the rule says of their number. Evidence of bad encoding is checked in full. It fails with ErrUnproven.
//
// It proves that the receipt is consistent. That the rows were drawn by chance, asked for, and served by the peers it
// names is the word of whoever wrote it.
func (r *Receipt) Verify(g *types.Genesis, checkpoint *types.Checkpoint) (*Proven, error) {
	if err := r.verifyChain(g, checkpoint); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	h := &r.Header.Header
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	out := &Proven{Height: h.Height, Commitment: h.Commitment, Params: p, Verdict: Unavailable, Asked: len(r.Asked),
		Answered: len(r.Rows), Epochs: len(r.Epochs)}
	if err := r.verifyRows(p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	switch {
	case len(r.Evidence) > 0:
		e, err := coding.UnmarshalEvidence(r.Evidence, p)
		if err == nil {
			err = e.Check(h.Commitment, p)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: evidence of bad encoding: %w", ErrUnproven, err)
		}
		out.Verdict = Misencoded
	case p.K == 0 || p.K <= DecodeK && len(r.Rows) >= p.K:
		out.Verdict, out.MissLog2 = Available, Certain
	case p.K > DecodeK:
		r.judge(p, out)
	}
	return out, nil
}

// judge applies the rules to the rows that came.
func (r *Receipt) judge(p coding.Params, out *Proven) {
	answered := make([]bool, len(r.Asked))
	for _, row := range r.Rows {
		answered[row.Place] = true
	}
	if stage, ok := r.Rules.passed(answered); ok {
		out.Verdict, out.Stage, out.MissLog2 = Available, stage, r.Rules.MissLog2(p, stage)
	}
}

// verifyRows checks roots, rows and rules against the commitment.
func (r *Receipt) verifyRows(p coding.Params) error {
	if p.K == 0 {
		if len(r.Asked) > 0 || r.Rules != (Rules{}) {
			return errors.New("rows of an empty block")
		}
		return nil
	}
	if len(r.Rows) > 0 {
		if err := coding.CheckRoots(p, r.Header.Header.Commitment, r.RowRoot, r.ValueRoot); err != nil {
			return err
		}
	}
	for _, row := range r.Rows {
		if err := row.Proof.Check(p, r.RowRoot); err != nil {
			return err
		}
	}
	if p.K <= DecodeK {
		if r.Rules != (Rules{}) {
			return fmt.Errorf("a sample of a block of %d bytes, which is decoded", p.Length)
		}
		return nil
	}
	// Any other rule could be weaker than it looks.
	if r.Rules != Default && r.Rules != Strict {
		return fmt.Errorf("rules %v are not those of the network", r.Rules)
	}
	return nil
}

// verifyChain follows the committees and checks the block's certificate.
func (r *Receipt) verifyChain(g *types.Genesis, checkpoint *types.Checkpoint) error {
	network, err := g.NetworkID()
	if err != nil {
		return err
	}
	epoch, committee, headers := types.Epoch(0), (*types.Committee)(nil), r.Epochs
	if checkpoint == nil {
		if committee, err = types.NewCommittee(g.Committee); err != nil {
			return err
		}
	} else {
		if len(headers) == 0 {
			return fmt.Errorf("it begins at the genesis, not at checkpoint %s", checkpoint)
		}
		first := &headers[0].Header
		if first.Height != checkpoint.Height || first.Digest() != checkpoint.Digest {
			return fmt.Errorf("it begins at %s, not at checkpoint %s", types.Checkpoint{Height: first.Height, Digest: first.Digest()}, checkpoint)
		}
		if epoch, committee, err = afterEpoch(g, first); err != nil {
			return err
		}
		headers = headers[1:]
	}
	for i := range headers {
		ch := &headers[i]
		if err := verifyHeader(ch, network, epoch, committee); err != nil {
			return err
		}
		if epoch, committee, err = afterEpoch(g, &ch.Header); err != nil {
			return err
		}
	}
	return verifyHeader(&r.Header, network, epoch, committee)
}

func verifyHeader(ch *types.CertifiedHeader, network types.NetworkID, epoch types.Epoch, committee *types.Committee) error {
	if ch.Header.Epoch != epoch {
		return fmt.Errorf("header %d is of epoch %d, want %d: the headers that end the epochs before are missing", ch.Header.Height, ch.Header.Epoch, epoch)
	}
	return ch.Verify(network, committee)
}

// afterEpoch is the epoch that a header begins, with its committee.
func afterEpoch(g *types.Genesis, h *types.Header) (types.Epoch, *types.Committee, error) {
	if h.Next == nil || uint64(h.Height) != (uint64(h.Epoch)+1)*g.EpochLength {
		return 0, nil, fmt.Errorf("header %d does not end epoch %d", h.Height, h.Epoch)
	}
	committee, err := types.NewCommittee(h.Next.Committee)
	return h.Epoch + 1, committee, err
}
