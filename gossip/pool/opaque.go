package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// OpaqueConfig is what NewOpaque needs. Zero values of the optional fields stand for the defaults of Config.
type OpaqueConfig struct {
	Publish          func(ctx context.Context, out Outgoing)
	FlushDelay       time.Duration
	NextBurst        func() time.Time // as Config.NextBurst
	MaxTransactions  int              // that entered here and are in no block; default 8192
	MaxBytes         int              // likewise in bytes; default 4 MiB
	PeerBytes        float64          // of batches a second from one peer
	PeerTransactions float64
}

// Opaque is the pool of a network whose payload is plain bytes (genesis payload "opaque", for benchmarks): it checks sizes
// and repeats and nothing else. A transaction's hash is the keccak256 of its bytes; it declares no gas.
type Opaque struct {
	cfg   OpaqueConfig
	wake  chan struct{} // capacity 1
	peers *shares

	crowded atomic.Bool // MaxTransactions are here and one more was refused

	mu     sync.Mutex
	outbox *outbox
	own    map[types.Hash]uint64 // sizes of the transactions that entered here and are in no block yet
	bytes  uint64                // their sum
	seen   *recent               // transactions that entered here or came in an admitted batch
	carry  *recentBatches
}

// recentBatches remembers which batches were admitted, so that one can be admitted again after the order forgot it.
type recentBatches struct{ recent }

// batchKey is the digest inside a batch's CID.
func batchKey(id types.BatchID) types.Hash { return types.Hash(id[4:]) }

// NewOpaque makes an empty pool.
func NewOpaque(cfg OpaqueConfig) (*Opaque, error) {
	if cfg.Publish == nil {
		return nil, errors.New("pool config: Publish is missing")
	}
	orDefault(&cfg.FlushDelay, 5*time.Millisecond)
	orDefault(&cfg.MaxTransactions, opaqueMaxTransactions)
	orDefault(&cfg.MaxBytes, opaqueMaxBytes)
	orDefault(&cfg.PeerBytes, opaquePeerBytes)
	orDefault(&cfg.PeerTransactions, opaquePeerTransactions)
	o := &Opaque{
		cfg:    cfg,
		wake:   make(chan struct{}, 1),
		peers:  newShares(cfg.PeerBytes, cfg.PeerTransactions),
		outbox: newOutbox(cfg.FlushDelay, 0),
		own:    make(map[types.Hash]uint64),
		seen:   newRecent(opaqueSeen),
		carry:  &recentBatches{*newRecent(opaqueCarried)},
	}
	o.outbox.company.burst = cfg.NextBurst
	return o, nil
}

// AddEnvelope implements Source.
func (o *Opaque) AddEnvelope(_ context.Context, envelope []byte) (types.Hash, error) {
	if len(envelope) == 0 || len(envelope) > types.MaxLoneTransactionBytes {
		return types.Hash{}, fmt.Errorf("%w: transaction size %d, limit %d", ErrOversized, len(envelope), types.MaxLoneTransactionBytes)
	}
	if o.crowded.Load() { // refused before it costs anything: who offers too much must not slow down what was taken
		return types.Hash{}, ErrPoolFull
	}
	info := opaqueInfo(envelope)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen.has(info.Hash) {
		return info.Hash, ErrAlreadyKnown
	}
	if len(o.own) >= o.cfg.MaxTransactions || o.bytes+info.Size > uint64(o.cfg.MaxBytes) {
		o.crowded.Store(len(o.own) >= o.cfg.MaxTransactions)
		return info.Hash, ErrPoolFull
	}
	o.seen.add(info.Hash)
	o.own[info.Hash] = info.Size
	o.bytes += info.Size
	first := len(o.outbox.parcels) == 0
	o.outbox.add(parcel{envelope: envelope, info: info, at: time.Now()})
	if first || o.outbox.full() { // else Run has a timer set to when the first one is due
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
	return info.Hash, nil
}

func opaqueInfo(envelope []byte) consensus.TxInfo {
	return consensus.TxInfo{Hash: types.Hash(crypto.Keccak256Hash(envelope)), Size: uint64(len(envelope))}
}

// Check implements Source.
func (o *Opaque) Check(body []byte) ([]consensus.TxInfo, error) {
	batch, err := types.DecodeBatch(body)
	if err != nil {
		return nil, err
	}
	infos := make([]consensus.TxInfo, len(batch.Envelopes))
	for i, envelope := range batch.Envelopes {
		infos[i] = opaqueInfo(envelope)
	}
	return infos, nil
}

// AdmitBatch implements Source. A batch is admitted when at least half of its bytes are new here.
func (o *Opaque) AdmitBatch(body []byte, from string) (Admission, error) {
	if !o.peers.bytes(from, len(body)) {
		return Admission{}, fmt.Errorf("%w: %s", ErrRateLimited, from)
	}
	infos, err := o.Check(body)
	if err != nil {
		return Admission{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !o.peers.transactions(from, len(infos)) {
		return Admission{}, fmt.Errorf("%w: %s", ErrRateLimited, from)
	}
	return o.judge(types.BatchIDOf(body), infos), nil
}

// Admits implements Source.
func (o *Opaque) Admits(id types.BatchID, body []byte) bool {
	infos, err := o.Check(body)
	return err == nil && o.judge(id, infos).Admitted
}

func (o *Opaque) judge(id types.BatchID, infos []consensus.TxInfo) Admission {
	o.mu.Lock()
	defer o.mu.Unlock()
	admission := Admission{ID: id, Txs: infos, Admitted: true}
	if o.carry.has(batchKey(id)) {
		return admission
	}
	var all, fresh uint64
	for _, info := range infos {
		all += info.Size
		if !o.seen.has(info.Hash) {
			fresh += info.Size
		}
	}
	if 2*fresh < all {
		admission.Admitted, admission.Reason = false, ErrAlreadyKnown
		return admission
	}
	o.carry.add(batchKey(id))
	for _, info := range infos {
		o.seen.add(info.Hash)
	}
	return admission
}

// Executed implements Source: what is in a block makes room for more. That is the back-pressure of a network whose nodes
// are asked for more than they can order: clients hear "full", and what was taken is ordered soon.
func (o *Opaque) Executed(_ types.Height, hashes []types.Hash) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, hash := range hashes {
		if size, ok := o.own[hash]; ok {
			delete(o.own, hash)
			o.bytes -= size
			o.crowded.Store(false)
		}
	}
}

// Run implements Source.
func (o *Opaque) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for _, out := range o.flush(time.Now(), timer) {
			o.cfg.Publish(ctx, out)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-o.wake:
		case <-timer.C:
		}
	}
}

// flush takes the batches that are due and sets the timer to the next.
func (o *Opaque) flush(now time.Time, timer *time.Timer) []Outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	var outs []Outgoing
	for batch := o.outbox.take(now); batch != nil; batch = o.outbox.take(now) {
		if out, err := outgoing(batch, now, 0); err == nil { // a batch from the outbox is within all bounds
			o.carry.add(batchKey(out.ID))
			outs = append(outs, out)
		}
	}
	if due, any := o.outbox.due(); any {
		timer.Reset(time.Until(due))
	}
	return outs
}
