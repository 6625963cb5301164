package main

import (
	"encoding/json"
	"fmt"
)

// dialect is how clients talk to a system.
type dialect interface {
	// path is the WebSocket's path on the RPC address.
	path() string
	// subscribe is the request for news of the order; its id is subscribeID.
	subscribe() []byte
	// requests are the messages that submit transactions id, ..., each call with the transaction's number as its id.
	requests(ids []uint64) [][]byte
	// key is what names the transaction in the news of the order.
	key(payload []byte) uint64
	// read takes one message of the node.
	read(message []byte, in *incoming) error
}

// subscribeID is the id of the subscription's request; no transaction has it.
const subscribeID = 0

// incoming is what one message says.
type incoming struct {
	answers []answer
	ordered []uint64 // keys, in order
	missed  uint64   // ordered, and not told one by one
}

// answer is what became of a submission.
type answer struct {
	id      uint64
	refusal string // empty: taken
}

// rpcError is the error of a JSON-RPC answer.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

func (e *rpcError) Error() string {
	if e.Data == nil {
		return e.Message
	}
	return fmt.Sprintf("%s: %v", e.Message, e.Data)
}

// reply is a JSON-RPC answer, or a notification when it has a method.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}
