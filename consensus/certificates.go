package consensus

import (
	"fmt"
	"slices"
	"sort"

	"github.com/etherscale/bedrock/types"
)

const (
	// maxEncoding is how many blocks the driver may be encoding at once.
	maxEncoding = 16
	// signatureWindow is how far above the closed height signatures are kept, and staleSignature how far below the height
	// that the sequence certifies an own one is still worth its bytes.
	signatureWindow = 1024
	staleSignature  = 8
)

// blockState is a closed block that is not certified yet.
type blockState struct {
	header  types.Header
	txs     []TxRef
	encoded bool
	digest  types.Hash // of the header, once built
}

// certifier builds headers and gathers their signatures. Heights are counted as: certified <= built <= asked <= closed.
type certifier struct {
	template types.Header // fields that all headers share
	parent   types.Hash   // digest of the last built header
	closed   types.Height
	asked    types.Height // Encode was asked up to here
	built    types.Height
	done     types.Height // certified
	states   map[types.Height]*blockState
	votes    map[types.Height][]*types.HeaderSignature // by member, the first of each
	content  int                                       // transactions and verdicts in blocks that are not certified

	signing map[types.Hash]types.Height
	own     []types.HeaderSignature // made, not in an own vertex yet; ascending by height
}

func newCertifier(cfg *Config) certifier {
	h := cfg.Parent.Height
	return certifier{
		template: types.Header{Version: types.Version, Network: cfg.Network, Epoch: cfg.Epoch},
		parent:   cfg.Parent.Digest(), closed: h, asked: h, built: h, done: h,
		states:  make(map[types.Height]*blockState),
		votes:   make(map[types.Height][]*types.HeaderSignature),
		signing: make(map[types.Hash]types.Height),
	}
}

// closeBlocks closes what theta allows after the appended vertex.
func (c *Core) closeBlocks(n *node, index uint64) {
	for !c.ended() {
		at, txs, ok := c.blocks.close(c.fair.theta, c.verdicts.waiting())
		if !ok {
			return
		}
		c.close(at, txs, c.verdicts.list(c.certs.closed+1), index, n.ref.Digest)
	}
}

// close closes the next block.
func (c *Core) close(at types.Time, txs []TxRef, listed []types.Verdict, index uint64, vertex types.Hash) {
	k := &c.certs
	k.closed++
	s := &blockState{header: k.template, txs: txs}
	s.header.Height, s.header.Time = k.closed, at
	s.header.VertexIndex, s.header.VertexDigest, s.header.Verdicts = index, vertex, listed
	k.states[k.closed], c.unsealed[k.closed] = s, s
	k.content += len(txs) + len(listed)
}

// flushEncodes asks for the encoding of the next closed blocks.
func (c *Core) flushEncodes() {
	k := &c.certs
	for k.asked < k.closed && k.asked < k.built+maxEncoding {
		k.asked++
		c.fx.Encode = append(c.fx.Encode, Encode{Height: k.asked, Transactions: k.states[k.asked].txs})
	}
}

// encoded takes an encoding and builds all headers whose turn has come.
func (c *Core) encoded(e Encoded) {
	k := &c.certs
	s := k.states[e.Height]
	if s == nil || s.encoded || e.Height > k.asked {
		return
	}
	s.encoded = true
	s.header.DataLength, s.header.Commitment = e.DataLength, e.Commitment
	c.buildHeaders()
}

// buildHeaders builds, in order, what is encoded; the epoch's last header waits for the next committee.
func (c *Core) buildHeaders() {
	k := &c.certs
	for k.built < k.asked && k.states[k.built+1].encoded {
		s := k.states[k.built+1]
		if s.header.Height == c.epoch.last {
			if c.epoch.input == nil {
				break
			}
			s.header.Next = c.endOf()
		}
		c.build(s)
	}
	c.certify()
}

func (c *Core) build(s *blockState) {
	k := &c.certs
	s.header.Parent = k.parent
	s.digest = s.header.Digest()
	k.parent = s.digest
	k.built++
	c.fx.Closed = append(c.fx.Closed, Closed{Header: s.header, Transactions: s.txs})
	if c.started {
		c.signHeader(s)
	}
}

// signHeaders asks for the signatures that were not given during a replay.
func (c *Core) signHeaders() {
	for h := c.certs.done + 1; h <= c.certs.built; h++ {
		c.signHeader(c.certs.states[h])
	}
}

// signHeader asks for the own signature unless an own vertex carries it. A signature by the own key over another header
// of the height shows that this machine, or this program, does not compute what it computed before.
func (c *Core) signHeader(s *blockState) {
	if !c.member {
		return
	}
	if votes := c.certs.votes[s.header.Height]; votes != nil && votes[c.self] != nil {
		if given := votes[c.self].Digest; given != s.digest {
			c.halt(&ConflictError{What: fmt.Sprintf("header %d is %s, but an own vertex signs %s", s.header.Height, s.digest, given)})
		}
		return
	}
	c.certs.signing[s.digest] = s.header.Height
	c.fx.Sign = append(c.fx.Sign, s.digest)
}

// headerSigned keeps an own signature for the next own vertex.
func (k *certifier) headerSigned(digest types.Hash, sig types.Signature) {
	height, ok := k.signing[digest]
	if !ok {
		return
	}
	delete(k.signing, digest)
	k.own = append(k.own, types.HeaderSignature{Height: height, Digest: digest, Signature: sig})
	sort.Slice(k.own, func(i, j int) bool { return k.own[i].Height < k.own[j].Height })
}

// relist takes back the signatures of an own vertex that never came into the sequence, as far as that lacks them.
func (k *certifier) relist(signatures []types.HeaderSignature, sealed types.Height) {
	for _, s := range signatures {
		if s.Height > sealed {
			k.own = append(k.own, s)
		}
	}
	sort.SliceStable(k.own, func(i, j int) bool { return k.own[i].Height < k.own[j].Height })
	k.own = slices.CompactFunc(k.own, func(a, b types.HeaderSignature) bool { return a.Height == b.Height })
}

// ownSignatures lists what goes into an own vertex made now.
func (k *certifier) ownSignatures(sealed types.Height) []types.HeaderSignature {
	var out []types.HeaderSignature
	for _, s := range k.own {
		if s.Height+staleSignature > sealed && len(out) < types.MaxHeaderSignatures {
			out = append(out, s)
		}
	}
	return out
}

// listed forgets the own signatures that an accepted own vertex carries, and those that came too late.
func (k *certifier) listed(signatures []types.HeaderSignature, sealed types.Height) {
	in := make(map[types.Height]bool, len(signatures))
	for _, s := range signatures {
		in[s.Height] = true
	}
	kept := k.own[:0]
	for _, s := range k.own {
		if !in[s.Height] && s.Height+staleSignature > sealed {
			kept = append(kept, s)
		}
	}
	k.own = kept
}

// countSignatures takes the header signatures of an accepted vertex, whatever digest they are over.
func (c *Core) countSignatures(n *node) {
	k := &c.certs
	fresh := false
	signatures := n.v.Body().HeaderSignatures
	for i := range signatures {
		s := &signatures[i]
		if s.Height <= k.done || s.Height > k.closed+signatureWindow {
			continue
		}
		votes := k.votes[s.Height]
		if votes == nil {
			votes = make([]*types.HeaderSignature, c.n)
			k.votes[s.Height] = votes
		}
		if votes[n.ref.Author] == nil {
			votes[n.ref.Author] = s
			fresh = true
		}
	}
	if fresh {
		c.certify()
	}
}

// certify turns signatures into certificates, in order of height. A quorum over another header than the own one means
// that more than f stake is faulty, or this node is: it stops rather than choose.
func (c *Core) certify() {
	k := &c.certs
	for k.done < k.built {
		s, votes := k.states[k.done+1], k.votes[k.done+1]
		if votes == nil {
			return
		}
		digest, found := c.quorumDigest(votes)
		if !found {
			return
		}
		if digest != s.digest {
			c.halt(&ConflictError{What: fmt.Sprintf("header %d is %s here, but a quorum signed %s", s.header.Height, s.digest, digest)})
			return
		}
		c.fx.Certified = append(c.fx.Certified, types.CertifiedHeader{Header: s.header, Certificate: c.certificate(votes, digest)})
		k.content -= len(s.txs) + len(s.header.Verdicts)
		k.done++
		delete(k.states, k.done)
		delete(k.votes, k.done)
		if k.done+CommitteeLookback == c.epoch.last {
			c.askNextEpoch()
		}
	}
}

func (c *Core) quorumDigest(votes []*types.HeaderSignature) (types.Hash, bool) {
	for i, v := range votes {
		if v == nil {
			continue
		}
		var stake types.Stake
		for m := i; m < len(votes); m++ {
			if votes[m] != nil && votes[m].Digest == v.Digest {
				stake += c.cfg.Committee.Stake(types.Member(m))
			}
		}
		if stake >= c.dag.quorum {
			return v.Digest, true
		}
	}
	return types.Hash{}, false
}

func (c *Core) certificate(votes []*types.HeaderSignature, digest types.Hash) types.Certificate {
	cert := types.Certificate{Signers: types.NewBitmap(c.n)}
	for m, v := range votes {
		if v != nil && v.Digest == digest {
			cert.Signers.Set(types.Member(m))
			cert.Signatures = append(cert.Signatures, v.Signature)
		}
	}
	return cert
}
