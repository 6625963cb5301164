// Package measure says what a challenge costs: how many bytes it has, how long its verification takes, how large the recorded
// witness of a block is. It executes blocks of signed transfers on a chain of its own in a directory, with the product's own
// executor, prover, challenger and verifier; headers are certified by four keys that it draws. Seeds are fixed, so sizes are
// the same in every run. Used by `bedrock bench fraud`, from one goroutine.
package measure
