module github.com/etherscale/bedrock/bench/coding/peers

go 1.26.6

replace github.com/etherscale/bedrock => ../../../

require (
	github.com/celestiaorg/celestia-app/v9 v9.0.8
	github.com/celestiaorg/rsmt2d v0.15.2
	github.com/etherscale/bedrock v0.0.0-00010101000000-000000000000
)

require (
	github.com/celestiaorg/merkletree v0.0.0-20210714075610-a84dc3ddbbe4 // indirect
	github.com/klauspost/cpuid/v2 v2.4.0 // indirect
	github.com/klauspost/reedsolomon v1.14.2 // indirect
	golang.org/x/sync v0.24.0 // indirect
)
