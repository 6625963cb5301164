package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/audit"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

func newAuditCommand() *cobra.Command {
	var f queryFlags
	var genesisPath string
	cmd := &cobra.Command{
		Use:   "audit TXHASH",
		Short: "Recompute a transaction's place in the order from what sequencers signed",
		Long: "Reads the log of signed vertices of a sequencer through the node at --rpc, verifies every signature against the\n" +
			"committee of the genesis file, runs the ordering rules again and compares the result with what the node claims.\n" +
			"Without --genesis the file is taken from the node: then check that the network id it prints is yours. See docs/audit.md.",
		Args: oneArg("the transaction's hash"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var target types.Hash
			if err := target.UnmarshalText([]byte(args[0])); err != nil {
				return &exitError{exitUsage, fmt.Errorf("transaction hash: %w", err)}
			}
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			a, err := newAuditor(cmd.Context(), c, genesisPath, target)
			if err != nil {
				return err
			}
			report, err := a.run(cmd.Context())
			if err != nil {
				return auditError(err)
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "audit", report)
			}
			report.print(cmd.OutOrStdout())
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&genesisPath, "genesis", "", "the network's genesis.json; default: what the node says it is")
	return cmd
}

// auditError gives a refused claim or log its exit code.
func auditError(err error) error {
	for _, refusal := range []error{audit.ErrMismatch, audit.ErrHeader, audit.ErrForged, audit.ErrRules, audit.ErrConflict} {
		if errors.Is(err, refusal) {
			return &exitError{exitNegative, err}
		}
	}
	return err
}

// auditor recomputes one transaction's place.
type auditor struct {
	client    *client
	genesis   *types.Genesis
	network   types.NetworkID
	target    types.Hash
	epoch     types.Epoch // of the transaction's block, and what follows from it
	origin    *types.Header
	committee *types.Committee
	headers   map[types.Height]types.Header
	ctx       context.Context
}

func newAuditor(ctx context.Context, c *client, genesisPath string, target types.Hash) (*auditor, error) {
	a := &auditor{client: c, target: target, headers: map[types.Height]types.Header{}, ctx: ctx}
	var file []byte
	var err error
	if genesisPath != "" {
		file, err = os.ReadFile(genesisPath)
	} else {
		err = c.ask(ctx, (*rawJSON)(&file), "bedrock_getGenesis")
	}
	if err != nil {
		return nil, err
	}
	if a.genesis, err = types.DecodeGenesis(file); err != nil {
		return nil, err
	}
	if a.network, err = a.genesis.NetworkID(); err != nil {
		return nil, err
	}
	a.committee, err = types.NewCommittee(a.genesis.Committee)
	return a, err
}

// rawJSON receives a result as it is.
type rawJSON []byte

// UnmarshalJSON implements json.Unmarshaler.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}

// auditReport is what the verb prints.
type auditReport struct {
	Network   types.Hash         `json:"networkId"`
	Batch     string             `json:"batch"`
	FairTime  types.Time         `json:"fairTime"`
	Spread    types.Time         `json:"spread"`
	Height    types.Height       `json:"height"`
	Index     uint32             `json:"index"`
	Header    types.Hash         `json:"header"`
	Certified bool               `json:"certified"`
	Sequencer string             `json:"log"` // whose log was replayed
	Vertices  uint64             `json:"vertices"`
	Receipts  []rpc.AuditReceipt `json:"receipts"`
}

// run asks for the claim, then replays one sequencer's log after another until one leads to the place.
func (a *auditor) run(ctx context.Context) (*auditReport, error) {
	var claim *rpc.Audit
	if err := a.client.ask(ctx, &claim, "bedrock_auditTransaction", rpc.TxHash(a.target)); err != nil {
		return nil, err
	}
	if claim == nil {
		return nil, unknown("no sequencer that %s reaches has ordered transaction 0x%s", a.client.url, a.target)
	}
	var problems []error
	if err := a.follow(a.epochOf(types.Height(claim.Height))); err != nil {
		return nil, err
	}
	for m := range a.committee.Len() {
		finding, err := a.replay(ctx, types.Member(m))
		if err != nil {
			problems = append(problems, fmt.Errorf("log of %s: %w", a.committee.Member(types.Member(m)).Key.PeerID(), err))
			continue
		}
		if err := a.compare(finding, claim); err != nil {
			return nil, err
		}
		return a.report(finding, types.Member(m)), nil
	}
	return nil, errors.Join(problems...)
}

// epochOf is the epoch of a block.
func (a *auditor) epochOf(h types.Height) types.Epoch {
	return types.Epoch(uint64(max(h, 1)-1) / a.genesis.EpochLength)
}

// follow finds the committee of an epoch: the genesis file names the first, and each one signs the header that names the
// next.
func (a *auditor) follow(epoch types.Epoch) error {
	for ; a.epoch < epoch; a.epoch++ {
		last := types.Height(uint64(a.epoch+1) * a.genesis.EpochLength)
		header, ok := a.header(last)
		if !ok || header.Next == nil {
			return fmt.Errorf("no certified header %d, which ends epoch %d, from %s", last, a.epoch, a.client.url)
		}
		committee, err := types.NewCommittee(header.Next.Committee)
		if err != nil {
			return err
		}
		a.origin, a.committee = &header, committee
	}
	return nil
}

// replay feeds a member's log to the ordering rules until the transaction's block is closed.
func (a *auditor) replay(ctx context.Context, m types.Member) (*audit.Finding, error) {
	replay, err := audit.New(audit.Config{Genesis: a.genesis, Origin: a.origin, Target: a.target, Now: types.TimeOf(time.Now()), Info: a.info, Header: a.header})
	if err != nil {
		return nil, err
	}
	for from := uint64(0); ; {
		var part rpc.Log
		if err := a.client.ask(ctx, &part, "bedrock_getLog", m, from, a.epoch); err != nil {
			return nil, err
		}
		if part.First > from {
			return nil, fmt.Errorf("this sequencer keeps its log from position %d on; what was before is gone", part.First)
		}
		if err := a.feed(ctx, replay, m, part); err != nil {
			return nil, err
		}
		if replay.Done() || part.Next <= from {
			return replay.Verify()
		}
		from = part.Next
	}
}

// feed gives a part of a log to the replay and fetches by name what the part left out, once.
func (a *auditor) feed(ctx context.Context, replay *audit.Replay, m types.Member, part rpc.Log) error {
	batches, vertices := plain(part.Batches), plain(part.Vertices)
	err := replay.Feed(batches, vertices)
	var missing *audit.MissingError
	for tries := 0; errors.As(err, &missing) && tries < 16; tries++ {
		var names []string
		for _, id := range missing.Batches {
			names = append(names, id.String())
		}
		parents := append([]types.Hash{}, missing.Parents...)
		var extra rpc.Log
		if err := a.client.ask(ctx, &extra, "bedrock_getVertices", m, parents, append([]string{}, names...), a.epoch); err != nil {
			return err
		}
		if len(extra.Batches)+len(extra.Vertices) == 0 {
			return missing
		}
		if err := replay.Feed(plain(extra.Batches), plain(extra.Vertices)); err != nil {
			return err
		}
		missing = nil
		err = replay.Feed(batches, vertices)
	}
	return err
}

func plain[B ~[]byte](items []B) [][]byte {
	out := make([][]byte, len(items))
	for i, b := range items {
		out[i] = b
	}
	return out
}

// info names a transaction and reads its declared gas; networks of opaque payload declare none.
func (a *auditor) info(envelope []byte) (consensus.TxInfo, error) {
	if a.genesis.Payload == types.PayloadOpaque {
		return consensus.TxInfo{Hash: types.Hash(crypto.Keccak256Hash(envelope))}, nil
	}
	tx := new(ethtypes.Transaction)
	if err := tx.UnmarshalBinary(envelope); err != nil {
		return consensus.TxInfo{}, err
	}
	return consensus.TxInfo{Hash: types.Hash(crypto.Keccak256Hash(envelope)), Gas: tx.Gas()}, nil
}

// header is the certified header of a height of the epoch, its certificate verified here.
func (a *auditor) header(h types.Height) (types.Header, bool) {
	if known, ok := a.headers[h]; ok {
		return known, true
	}
	var answer *rpc.Header
	if err := a.client.ask(a.ctx, &answer, "bedrock_getHeader", rpc.Height(h)); err != nil || answer == nil {
		return types.Header{}, false
	}
	ch, err := types.DecodeCertifiedHeader(answer.Encoded)
	if err != nil || ch.Header.Height != h || ch.Header.Epoch != a.epoch || ch.Verify(a.network, a.committee) != nil {
		return types.Header{}, false
	}
	a.headers[h] = ch.Header
	return ch.Header, true
}

// compare holds the node's claim against the finding.
func (a *auditor) compare(f *audit.Finding, claim *rpc.Audit) error {
	if err := f.ComparePlace(audit.Place{Batch: claim.Batch, Height: types.Height(claim.Height), Index: uint32(claim.Index)}); err != nil {
		return err
	}
	record := audit.Record{Batch: claim.Batch, FairTime: claim.FairTime, Index: f.Record.Index}
	for _, r := range claim.Receipts {
		m, ok := a.memberOf(r.Sequencer)
		if !ok {
			return fmt.Errorf("the claim has a receipt of %s, which is not in the committee: %w", r.Sequencer, audit.ErrMismatch)
		}
		record.Entries = append(record.Entries, consensus.Entry{Author: m, Time: r.Time, Explicit: r.Explicit,
			Vertex: types.VertexRef{Author: m, Round: r.Round, Digest: r.Vertex}})
	}
	return f.CompareRecord(record)
}

func (a *auditor) memberOf(peerID string) (types.Member, bool) {
	for i, m := range a.committee.Members() {
		if m.Key.PeerID() == peerID {
			return types.Member(i), true
		}
	}
	return 0, false
}

func (a *auditor) report(f *audit.Finding, log types.Member) *auditReport {
	r := &auditReport{Network: types.Hash(a.network), Batch: f.Record.Batch.String(), FairTime: f.Record.FairTime, Spread: f.Spread(),
		Height: f.Height, Index: f.Index, Header: f.HeaderDigest(), Certified: f.Certified, Vertices: f.Vertices,
		Sequencer: a.committee.Member(log).Key.PeerID()}
	for _, e := range f.Record.Entries {
		r.Receipts = append(r.Receipts, rpc.AuditReceipt{Sequencer: a.committee.Member(e.Author).Key.PeerID(), Time: e.Time,
			Explicit: e.Explicit, Round: e.Vertex.Round, Vertex: e.Vertex.Digest})
	}
	return r
}

func (r *auditReport) print(out io.Writer) {
	fmt.Fprintf(out, "network %s\nbatch   %s\n\n", r.Network, r.Batch)
	for _, e := range r.Receipts {
		how := "received"
		if !e.Explicit {
			how = "built on it"
		}
		fmt.Fprintf(out, "  %s  %s  %-11s  round %d\n", e.Time.Std().UTC().Format("15:04:05.000000"), e.Sequencer, how, e.Round)
	}
	certified := "its header is the certified one"
	if !r.Certified {
		certified = "its header is not certified yet"
	}
	fmt.Fprintf(out, "\nfair time %s, spread %.3f ms\nplace     block %d, index %d (%s)\nrecomputed from %d signed vertices in the log of %s: the claim holds\n",
		r.FairTime.Std().UTC().Format("15:04:05.000000"), float64(r.Spread)/1000, r.Height, r.Index, certified, r.Vertices, r.Sequencer)
}
