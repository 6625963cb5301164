package consensus

import "github.com/etherscale/bedrock/types"

// Event is an input of the core. Every event is one of the types below.
type Event interface{ event() }

// TxInfo is all the core knows of a transaction.
type TxInfo struct {
	Hash types.Hash // keccak256 of the envelope
	Gas  uint64     // declared gas limit
	Size uint64     // bytes of the envelope
}

// VertexReceived hands over a vertex whose signatures the driver has checked; the core checks its shape itself. From is
// the member that sent it (the author, or who answered a fetch).
type VertexReceived struct {
	Vertex *types.Vertex
	From   types.Member
	// Asked is true for answers to a Fetch effect: they are taken even when another vertex of the slot is known.
	Asked bool
}

// BatchHeld says that the body of a batch is here and structurally valid.
type BatchHeld struct {
	ID   types.BatchID
	Txs  []TxInfo
	Size uint64     // bytes of the body
	Time types.Time // when it was received, by the local clock
	// Admitted says that the own pool would admit it: then the core lists it in a receipt. A batch that was held but
	// not admitted may be reported again as admitted.
	Admitted bool
	// From is the author through whose vertices the body was first learnt, or -1 when it came by gossip or locally.
	From int
}

// Tick says that time has passed, nothing else.
type Tick struct{}

// Encoded answers an Encode effect.
type Encoded struct {
	Height     types.Height
	DataLength uint64
	Commitment types.Hash
}

// Signed answers a Sign effect.
type Signed struct {
	Digest    types.Hash
	Signature types.Signature
}

// Upheld says that the driver verified a challenge, and it is valid: own vertices state it until it is due. It is forgotten
// when the epoch ends, and at most 256 are kept: the driver says it again until a header lists it.
type Upheld struct{ Verdict types.Verdict }

// Executed says up to which height the own execution has come (back-pressure).
type Executed struct{ Height types.Height }

// NextEpoch answers AskNextEpoch: what the state at that height says about the next epoch. All members must agree on it.
type NextEpoch struct {
	Committee     []types.CommitteeMember
	SettledHeight types.Height
	SettledClaim  types.Hash
}

// Restored replays the log after a restart: vertices in the order they were accepted. The bodies they receipt were
// handed over before by BatchHeld. Such vertices are accepted without Persist, Send or Fetch effects; Encode, Certified
// and Released effects come again, and the driver answers them from its store.
type Restored struct{ Vertices []*types.Vertex }

// Start ends the replay: from here on the core makes vertices. If the own last vertex was restored, it is sent again.
type Start struct {
	// Above is for a node that lost its log: no own vertex of this round or below is made (the newest round of a quorum
	// of others, plus 1). The first own vertex then names the own newest one only if others still had it. 0: no bound.
	Above types.Round
}

func (VertexReceived) event() {}
func (BatchHeld) event()      {}
func (Tick) event()           {}
func (Encoded) event()        {}
func (Signed) event()         {}
func (Upheld) event()         {}
func (Executed) event()       {}
func (NextEpoch) event()      {}
func (Restored) event()       {}
func (Start) event()          {}

// Effects is what the driver must do after a Step, in this order: Persist (append all, then one fsync together with
// the bodies that the vertices receipt) strictly before Send; everything else in any order.
type Effects struct {
	// Persist lists newly accepted vertices in order of acceptance, the own ones included.
	Persist []*types.Vertex
	// Send lists what goes to which member; its last vertex is the sender's own newest.
	Send []Send
	// Sign lists digests to sign with the node's key; the answer is a Signed event.
	Sign []types.Hash
	// Fetch lists what is missing and whom to ask, best first. It comes again, with the next member first, on later
	// Ticks until the item arrives or is no longer needed.
	Fetch []Fetch
	// Recall lists bodies that restored vertices lack. They were handed over for an earlier vertex and are in the log: the
	// answer is BatchHeld, before anything else is restored.
	Recall []types.BatchID
	// Encode asks to lay out, encode and store a block; the answer is an Encoded event. Heights ascend.
	Encode []Encode
	// Closed lists headers that this node has built, in order of height.
	Closed []Closed
	// Certified lists headers that now have a quorum of signatures, in order of height.
	Certified []types.CertifiedHeader
	// AskNextEpoch is the height whose state decides the next committee: the answer is a NextEpoch event, without which
	// the epoch's last header is not built. It comes once that height is certified, and again at Start while it is not
	// answered. 0: nothing is asked.
	AskNextEpoch types.Height
	// Appended lists the vertices that joined the committed sequence, in order.
	Appended []Appended
	// Released lists batches that left fair order, in order.
	Released []Released
	// Cut is the newest state that was passed in this step; nil: none.
	Cut *Cut
	// Forgotten lists own receipted batches whose receipt was lost (void): the driver asks the pool whether it still
	// admits them and, if so, reports BatchHeld again.
	Forgotten []types.BatchID
	// Equivocations lists newly proven ones.
	Equivocations []types.Equivocation
	// Rejected lists vertices that broke a rule, with the member that sent them.
	Rejected []Rejected
	// Burst is when the pause ends after which own vertices are made again; 0: there is nothing to order, or no telling.
	Burst types.Time
	// Wake is when the core wants the next Tick at the latest; 0: no wish.
	Wake types.Time
}

// Send is one message to one member: bodies and ancestors that it is not known to hold, then the own vertex.
type Send struct {
	To       types.Member
	Batches  []types.BatchID
	Vertices []*types.Vertex
}

// Fetch asks the members in From, in that order, for vertices and bodies.
type Fetch struct {
	From     []types.Member
	Vertices []types.Hash
	Batches  []types.BatchID
}

// TxRef names a transaction by its place in a batch.
type TxRef struct {
	Batch types.BatchID
	Index uint32
}

// Encode asks for the encoding of a block's transactions.
type Encode struct {
	Height       types.Height
	Transactions []TxRef
}

// Closed is a header this node built, with the block's transactions.
type Closed struct {
	Header       types.Header
	Transactions []TxRef
}

// Appended is one vertex of the committed sequence.
type Appended struct {
	Index  uint64 // position in the committed sequence, from 0
	Vertex types.VertexRef
	Slot   types.VertexRef // the committed slot whose commit appended it
}

// Entry is one author's entry for a batch in the fair order.
type Entry struct {
	Author   types.Member
	Time     types.Time // as counted, after the watermark
	Explicit bool
	Vertex   types.VertexRef // the vertex that carries or implies it
}

// Released is a batch with its fair time and the entries that fixed it, in order of author.
type Released struct {
	Batch    types.BatchID
	FairTime types.Time
	Entries  []Entry
	Index    uint64   // position of the vertex after which it left
	Txs      []TxInfo // what is in it, as BatchHeld told; nobody may change it
}

// Rejected is a vertex that broke a rule.
type Rejected struct {
	From   types.Member
	Vertex types.VertexRef
	Reason error
}
