package wan

import "github.com/etherscale/bedrock/types"

// happening is something that is to happen at a node.
type happening struct {
	what kind
	to   types.Member
	from types.Member
	load any // *message, *request, *batch or nil
}

// kind is what happens.
type kind uint8

const (
	wakes     kind = iota // the time a core asked for has come
	submitted             // a client hands over a batch
	gossiped              // a batch arrives by gossip
	pushed                // a message arrives
	asked                 // a request arrives
	answered              // an answer arrives
)
