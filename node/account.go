package node

import "github.com/etherscale/bedrock/account"

// openAccount opens the node's Ethereum account where there is a state to read nonce and fees from, and a pool to send
// through.
func (n *Node) openAccount() error {
	if n.cfg.Account == nil || n.exec == nil || n.wallets == nil {
		return nil
	}
	n.account = account.New(account.Config{Key: n.cfg.Account, ChainID: n.cfg.Genesis.ChainID, Pool: n.wallets, Chain: n.exec, Logger: n.log})
	return nil
}

// Account is the address of the account that the node posts from; false where it posts nothing.
func (n *Node) Account() ([20]byte, bool) {
	if n.account == nil {
		return [20]byte{}, false
	}
	return n.account.Address(), true
}

// payee is the account that the node's challenges pay: its own, where it has one.
func (n *Node) payee() [20]byte {
	if n.cfg.Account != nil {
		return account.AddressOf(n.cfg.Account)
	}
	return PayeeOf(n.key)
}
