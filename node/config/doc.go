// Package config is what a node is configured by and what its home directory holds, beside its data.
//
//   - role.go, profile.go: what a node does, and the kind of machine that it does it on; limits follow from both.
//   - genesis.go, network.go, networks.go: a network is one file; those shipped with the program lie in networks/.
//   - settingstable.go is the one table of settings: flags, BEDROCK_ variables, config.toml and docs/reference come from it. settings.go
//     reads the layers, settingsfile.go writes one value, renaming.go knows the names of older programs.
//   - home.go, homefiles.go, keys.go, keybackup.go, running.go: the files, who may read them, and which process uses them.
//   - upgrading.go: homes of older programs, upgraded at the start, with a copy of what they were.
//
// Nothing here runs: a Home read is a node.Config made (node.ConfigOf).
package config
