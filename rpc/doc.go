// Package rpc serves JSON-RPC over HTTP and WebSocket on one address: the Ethereum methods that wallets, libraries and
// explorers call (eth_*, net_*, web3_*, txpool_*, debug_trace*, debug_getRaw*), and bedrock_* for what only this network knows.
//
// The server, its codec, filters, subscriptions and fee history are go-ethereum's public packages; the handlers are
// written here against three small interfaces, so the same code answers for our own execution, for a chain of
// go-ethereum's core.BlockChain (the conformance test), and, without execution, for a light client.
//
// Sources: ethereum/execution-apis (OpenRPC specification and recorded answers), EIP-1898 (block parameter), EIP-1186
// (proofs), EIP-7910 (eth_config), JSON-RPC 2.0.
//
// Invariants, each held by a test:
//
//	I1  An unknown method answers -32601; wallets probe for methods and fall back on exactly that code.
//	I2  A revert answers code 3 with the return data.
//	I3  latest is the newest executed block, safe and finalized are what Backend says and differ from it; pending is
//	    latest for state and the pool's next nonce for eth_getTransactionCount.
//	I4  No handler branches on the chain id or on fixtures.
//	I5  A subscriber that stops reading never holds up execution: blocks reach subscribers by a signal and a read from
//	    disk, in order and without gaps.
//	I6  Every request is bounded: bytes in, items of a batch, gas and time of a call, range and number of logs,
//	    open sockets, filters and subscriptions.
//
// Adversary: any program that reaches the socket, among them web pages open in the user's browser. A page is kept out
// by the Host header (DNS rebinding), by the Origin header (CORS and WebSocket) and by the content type (no
// unasked-for cross-site POST). Keys are never held here: eth_accounts is empty and nothing signs.
//
// Goroutines: New binds the address and starts nothing; Run owns the HTTP server, the block pump and, until it returns,
// the filters. Handlers run concurrently on go-ethereum's goroutines and share no mutable state but locked caches.
//
// Files: backend.go and bedrock.go (what the node provides), bedrock_methods.go, order.go (bedrock_sendTransaction and the news of
// the order), server.go, access.go (hosts and origins), reader.go
// (blocks and tags), blocks.go, transactions.go, accounts.go, proof.go (state), call.go, callargs.go, override.go,
// estimate.go, accesslist.go, fill.go, fees.go, logs.go, quota.go, feed.go (filters and subscriptions), configuration.go (eth_config),
// capabilities.go (eth_capabilities), simulate.go, simulateplan.go, simulateblock.go, simulatelogs.go (eth_simulateV1),
// shards.go (blocks from their rows), storage.go (what is stored for others), health.go (/livez, /readyz, bedrock_health),
// peers.go and local.go (what only the own machine is told),
// pool.go (txpool_*), trace.go, tracecall.go, steplog.go and raw.go (debug_*), network.go (net_*, web3_*), verified.go,
// proven.go, provenblocks.go, provencall.go (answers by proofs, for which package verified has the proofs), errors.go.
package rpc
