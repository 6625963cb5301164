package dht

import "errors"

// Errors that callers test with errors.Is.
var (
	// ErrNotCertified: rows can be published only under a certified header, or signed by a committee member.
	ErrNotCertified = errors.New("dht: no certificate and no signature for the header; publish once it is certified")
	// ErrNoServers: no DHT server is known; connect to a bootstrap address first.
	ErrNoServers = errors.New("dht: no peer that stores rows is known; check the bootstrap addresses")
	// ErrNotFound: nobody asked had the row or opening.
	ErrNotFound = errors.New("dht: not found at any peer asked")
	// ErrBudget: the disk budget for rows is used up.
	ErrBudget = errors.New("dht: disk budget for rows is used up; raise it or shorten retention")
	// ErrMalformed: bytes of a peer are not a canonical, bounded message.
	ErrMalformed = errors.New("dht: malformed message")
	// ErrRefused: a holder refused an offer of rows.
	ErrRefused = errors.New("dht: holder refused the rows")
)
