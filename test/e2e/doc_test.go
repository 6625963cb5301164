// Package e2e runs the program as its users do: real processes, sockets, disks and kill -9. The tests talk to them over
// JSON-RPC alone, and read their data directories once they have stopped.
//
// Map of the files: main_test.go (the binary), process_test.go (one process), network_test.go (sequencers and a light
// client), load_test.go (wallets that send transfers), progress_test.go (pauses as an onlooker sees them), evidence_test.go
// (what the disks say afterwards), then the tests: crash_test.go, devnet_test.go, datadir_test.go, latejoin_test.go
// and others. -args -long also runs what takes minutes.
package e2e
