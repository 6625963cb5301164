// Package chain keeps the certified headers and the block bodies of a network: it checks them, stores them, follows the
// others and serves them on. Sequencers feed it their own blocks, everybody else what peers send; light clients keep
// headers only.
//
// # Invariants
//
//	C1  Every stored header carries a certificate by the committee of its epoch, links to the header before it and keeps
//	    the rules (rules.go). Committees are followed by headers alone, from the genesis file on. A light client that is
//	    far behind leaps (leap.go): it keeps the last header of each epoch, which names the next committee, lands on a
//	    newer one, and all from First on link; those it left out are filled in downwards, by their digests.
//	C2  A body is stored only if encoding it gives the commitment of its header. A body of a certified header is on disk
//	    before anybody is told of it, so execution never sees a block that a crash can take away.
//	C3  A restart finds at least every header and body whose adding was acknowledged.
//	C4  Two certificates at one height, a certified header that does not continue the stored chain or breaks a rule, or a
//	    certified header other than the one the own sequencer closed, is proof that more than f of the stake lied (or
//	    that this node's software differs); so is a mis-encoded block, which challenges prove (convict.go). Following stops,
//	    the evidence is kept on disk, and every later call says so.
//	    Only committees whose stake is still bonded can cause this: older headers are ignored.
//	C5  What a peer sends cannot make the node store, allocate or ask without bound: at most MaxPending certified headers
//	    ahead of the head, MaxHeaders in an answer, HeadersAhead such answers, BodiesInFlight bodies of BodyBytesInFlight
//	    being fetched, BodyWindow stored ahead.
//	C6  The own sequencer's header of a height, once stored, is never replaced by another one: a restarted node cannot be
//	    brought to sign two headers of one height.
//
//	C7  What is followed on from is younger than the unbonding period, or a checkpoint that is: else nothing is taken
//	    (checkpoint.go). Old committees, whose stake is free again, can show a history of their own to nobody else.
//
// # Adversary
//
// Peers send anything, or nothing, slowly. Their lies are errors (ErrCertificate, ErrInvalid, ErrBody) that name who was
// wrong; nothing of them is kept. A corrupt quorum is C4. Which blocks are available is for the sampling package to
// say: a certificate is the committee's word, no more.
//
// # Use
//
// All methods may be called from any goroutine. Writers (Add..., ReleaseBodies) wait for each other and for the disk;
// readers do not wait for writers. Run is called once, by a goroutine of the caller, which owns everything it starts.
// What methods return shares memory with caches and must not be written to.
//
//	chain.go       Open, head             certified.go   adding headers        own.go        blocks of the own sequencer
//	config.go      Config, Peers, Rows    rules.go       rules of a header     bodies.go     adding and reading bodies
//	errors.go      errors, evidence       committees.go  committees by epoch   blockcache.go encoded blocks
//	progress.go    the progress record    subscribe.go   signals               run.go        following headers
//	leap.go        a light client's start   catchup.go     many headers at once    fill.go       what a leap left out
//	checkpoint.go  where following may begin                  convict.go     stopping for what a challenge proved
//	verdicts.go    which challenges were listed
//	serve.go       answers to peers       retention.go   pruning               fetch.go      fetching bodies
package chain
