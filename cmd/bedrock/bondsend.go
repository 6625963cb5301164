package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
)

// Bounds of sending.
const (
	executeWithin = 2 * time.Minute
	askAgainAfter = 100 * time.Millisecond
	sendTries     = 5
)

// sender calls the bonding contract from one account.
type sender struct {
	*bondBook
	home    *config.Home // nil where none was given
	key     account.Key
	address common.Address
}

// openSender unlocks the account first: what is wrong with it needs no network. The node must be of the home's network.
func openSender(ctx context.Context, f *queryFlags, a *accountFlags) (*sender, error) {
	home, err := a.load()
	if err != nil {
		return nil, err
	}
	key, err := a.unlock(home)
	if err != nil {
		return nil, err
	}
	if home != nil {
		f.preferHome(home.Dir)
	}
	b, err := openBonds(ctx, f)
	if err != nil {
		return nil, err
	}
	if home != nil {
		network, err := home.Genesis.NetworkID()
		if err != nil {
			return nil, err
		}
		if network != b.network {
			return nil, fmt.Errorf("%s is a home of network %s, the node at %s is in %s: give the --rpc of a node of its network", home.Dir, network, b.client.url, b.network)
		}
	}
	return &sender{b, home, key, account.AddressOf(key)}, nil
}

// sent is a call that was executed.
type sent struct {
	Transaction common.Hash `json:"transaction"`
	Block       rpc.Height  `json:"block"`
	Gas         uint64      `json:"gasUsed"`
}

// errDisplaced says that a transaction will never be executed: another one of the account has its nonce.
var errDisplaced = errors.New("another transaction of the account took its place: try again; if it is a running node's account, give that node's --rpc")

// errFailed says that a transaction was executed to no effect.
var errFailed = errors.New("it failed, since the bond has changed after it was sent: look at `bedrock bonds` and try again")

// call sends one call worth wei and waits until it is executed. If the node whose account it is sends at the same moment
// through another node's pool, one of the two is displaced: then the call is made anew.
func (s *sender) call(ctx context.Context, wei *big.Int, data []byte) (*sent, error) {
	for range sendTries {
		tx, err := s.send(ctx, wei, data)
		if err != nil {
			return nil, err
		}
		done, err := s.await(ctx, tx)
		if !errors.Is(err, errDisplaced) {
			return done, err
		}
	}
	return nil, errDisplaced
}

// send signs a call and gives it to the node.
func (s *sender) send(ctx context.Context, wei *big.Int, data []byte) (*ethtypes.Transaction, error) {
	tx := &ethtypes.DynamicFeeTx{ChainID: new(big.Int).SetUint64(s.genesis.ChainID), To: &s.contract, Value: wei, Data: data}
	if err := s.price(ctx, tx); err != nil {
		return nil, err
	}
	if err := s.afford(ctx, tx); err != nil { // an estimate would say it less well
		return nil, err
	}
	gas, err := s.estimate(ctx, wei, data)
	if err != nil {
		return nil, err
	}
	tx.Gas = gas + gas/4 // the state may differ a little by then
	if err := s.afford(ctx, tx); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		signed, err := s.submit(ctx, tx)
		if err == nil || !isTaken(err) || try == sendTries {
			return signed, err
		}
		if err := pause(ctx, askAgainAfter); err != nil {
			return nil, err
		}
	}
}

// submit signs a transaction with the account's next nonce and gives it to the node.
func (s *sender) submit(ctx context.Context, tx *ethtypes.DynamicFeeTx) (*ethtypes.Transaction, error) {
	var nonce hexutil.Uint64
	if err := s.client.ask(ctx, &nonce, "eth_getTransactionCount", s.address, "pending"); err != nil {
		return nil, err
	}
	tx.Nonce = uint64(nonce)
	signed, err := ethtypes.SignNewTx(s.key, ethtypes.LatestSignerForChainID(tx.ChainID), tx)
	if err != nil {
		return nil, err
	}
	encoded, err := signed.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return signed, s.client.ask(ctx, nil, "eth_sendRawTransaction", hexutil.Bytes(encoded))
}

// isTaken reports whether a node refused a transaction because the account, which a node may send from as well, has used its
// nonce since it was asked for. The words are those of every Ethereum client; there is no code for it.
func isTaken(err error) bool {
	return strings.Contains(err.Error(), "underpriced") || strings.Contains(err.Error(), "nonce too low")
}

// estimate finds what a call needs; a call that would fail is not sent, and the error says why in words.
func (s *sender) estimate(ctx context.Context, wei *big.Int, data []byte) (uint64, error) {
	var gas hexutil.Uint64
	call := map[string]any{"from": s.address, "to": s.contract, "value": (*hexutil.Big)(wei), "input": hexutil.Bytes(data)}
	err := s.client.ask(ctx, &gas, "eth_estimateGas", call)
	return uint64(gas), s.explain(err)
}

// price sets the fees: twice the base fee is enough while full blocks double it.
func (s *sender) price(ctx context.Context, tx *ethtypes.DynamicFeeTx) error {
	var block struct {
		BaseFee *hexutil.Big `json:"baseFeePerGas"`
	}
	if err := s.client.ask(ctx, &block, "eth_getBlockByNumber", "latest", false); err != nil {
		return err
	}
	var tip hexutil.Big
	if err := s.client.ask(ctx, &tip, "eth_maxPriorityFeePerGas"); err != nil {
		return err
	}
	if block.BaseFee == nil {
		return fmt.Errorf("%s names no base fee", s.client.url)
	}
	tx.GasTipCap = tip.ToInt()
	tx.GasFeeCap = new(big.Int).Add(tx.GasTipCap, new(big.Int).Lsh(block.BaseFee.ToInt(), 1))
	return nil
}

// afford demands that the account can pay value and fees.
func (s *sender) afford(ctx context.Context, tx *ethtypes.DynamicFeeTx) error {
	var balance hexutil.Big
	if err := s.client.ask(ctx, &balance, "eth_getBalance", s.address, "latest"); err != nil {
		return err
	}
	need := new(big.Int).Mul(tx.GasFeeCap, new(big.Int).SetUint64(tx.Gas))
	if need.Add(need, tx.Value); balance.ToInt().Cmp(need) < 0 {
		return fmt.Errorf("%s has %s ether, and this takes up to %s (value and fees): send it more first", s.address, formatEther(balance.ToInt()), formatEther(need))
	}
	return nil
}

// await waits for a transaction to be executed.
func (s *sender) await(ctx context.Context, tx *ethtypes.Transaction) (*sent, error) {
	hash := tx.Hash()
	for deadline := time.Now().Add(executeWithin); ; {
		var used hexutil.Uint64 // asked first: who finds the nonce used up then finds the receipt, if it was this one that used it
		if err := s.client.ask(ctx, &used, "eth_getTransactionCount", s.address, "latest"); err != nil {
			return nil, err
		}
		var receipt *struct {
			Block  rpc.Height     `json:"blockNumber"`
			Status hexutil.Uint64 `json:"status"`
			Gas    hexutil.Uint64 `json:"gasUsed"`
		}
		if err := s.client.ask(ctx, &receipt, "eth_getTransactionReceipt", hash); err != nil {
			return nil, err
		}
		switch {
		case receipt != nil && receipt.Status == 0:
			return nil, fmt.Errorf("transaction %s, block %d: %w", hash, receipt.Block, errFailed)
		case receipt != nil:
			return &sent{hash, receipt.Block, uint64(receipt.Gas)}, s.renew(ctx)
		case uint64(used) > tx.Nonce():
			return nil, fmt.Errorf("transaction %s of %s: %w", hash, s.address, errDisplaced)
		case time.Now().After(deadline):
			return nil, unknown("transaction %s was sent and is not executed after %v: it may still be; ask for its receipt before you send another", hash, executeWithin)
		}
		if err := pause(ctx, askAgainAfter); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// refusals say in words why the contract refused a call.
var refusals = map[string]string{
	"NotAllowed":  "the account is neither owner nor operator of this bond",
	"WrongRole":   "the bond has the other role",
	"WrongStatus": "the bond is not in the state that this is for (see `bedrock bonds`)",
	"TooSmall":    "the stake is below the smallest bond (see `bedrock bonds`)",
	"TooLarge":    "the amount is too large",
	"TooEarly":    "it is too early for that (see `bedrock bonds`)",
	"TooLate":     "it is too late for that",
	"Nothing":     "there is nothing to pay",
	"Refused":     "the account's code does not take the payment",
}

// explain puts a refusal of the contract into words; other errors stay as they are.
func (s *sender) explain(err error) error {
	var reverted gethrpc.DataError
	if !errors.As(err, &reverted) {
		return err
	}
	text, _ := reverted.ErrorData().(string)
	data, decodes := hexutil.Decode(text)
	if decodes != nil || len(data) < 4 {
		return err
	}
	abi := s.abi.GetABI()
	known, missing := abi.ErrorByID([4]byte(data))
	if missing != nil {
		return err
	}
	if why, ok := refusals[known.Name]; ok {
		return &refusedError{known.Name, why}
	}
	return err
}

// refusedError is a call that the bonding contract refuses.
type refusedError struct{ name, why string }

// Error says why.
func (e *refusedError) Error() string { return "the bonding contract refuses: " + e.why }
