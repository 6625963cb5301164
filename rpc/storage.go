package rpc

import "context"

// Storage is what a node keeps of other people's blocks, and what it did to keep them alive.
type Storage struct {
	Rows     int    `json:"rows"`   // on disk
	Blocks   int    `json:"blocks"` // they belong to
	Bytes    int64  `json:"bytes"`
	Budget   int64  `json:"budget"`  // bytes at most
	Waiting  int64  `json:"waiting"` // bytes in memory, for a certificate
	Servers  int    `json:"servers"` // known, this node included
	Taken    uint64 `json:"taken"`   // rows, from offers
	HandedOn uint64 `json:"handedOn"`
	HandLost uint64 `json:"handOnLost"`
	// Refused counts requests of peers that were too many, banned or lying, and offers by reason.
	Refused StorageRefused `json:"refused"`
	Repair  StorageRepair  `json:"repair"`
}

// StorageRefused counts what was not taken.
type StorageRefused struct {
	Requests uint64 `json:"requests"`
	Header   uint64 `json:"header"` // not trusted yet, or too old
	Place    uint64 `json:"place"`  // rows; others are nearer
	Full     uint64 `json:"full"`
}

// StorageRepair is the repair of rows that were lost.
type StorageRepair struct {
	Copied  uint64    `json:"copied"` // rows that other holders took
	Checks  uint64    `json:"checks"` // estimates of live rows
	Begun   uint64    `json:"begun"`  // rebuilds
	Ended   uint64    `json:"ended"`
	Failed  uint64    `json:"failed"`
	Pushed  uint64    `json:"pushed"`  // rows that rebuilds gave back
	Pending int       `json:"pending"` // blocks that have too few live rows
	Beyond  int       `json:"beyond"`  // blocks that nobody can repair
	Known   int       `json:"known"`   // blocks with a known share
	Newest  *LiveRows `json:"newest,omitempty"`
	Lowest  *LiveRows `json:"lowest,omitempty"`
}

// LiveRows is the share of a block's rows that live, estimated.
type LiveRows struct {
	Height Height  `json:"height"`
	Share  float64 `json:"share"` // 0 to 1
}

// Store is what a Bedrock may also be: it tells what it stores for others.
type Store interface {
	Storage(ctx context.Context) (*Storage, error)
}

// GetStorage answers bedrock_getStorage; null at a node that stores nothing for others.
func (m *BedrockMethods) GetStorage(ctx context.Context) (*Storage, error) {
	served, ok := m.b.(Store)
	if !ok {
		return nil, nil
	}
	return served.Storage(ctx)
}
