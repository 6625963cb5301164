package health

import "time"

// doctorCodes are those that only `bedrock doctor` gives: what it examines and a running node does not watch.
func doctorCodes() []Code {
	return []Code{
		{ID: NoIPv6, Title: "IPv6 does not work", Severity: Info,
			Text: "The machine has an IPv6 address and no route to the internet by it. To have no IPv6 at all is fine; with a working one peers dial the node without a forwarded port.",
			Next: "nothing has to be done; `ip -6 route` shows what is missing"},
		{ID: NoBootstrap, Title: "nodes to join by do not answer", Severity: Failure,
			Text: "A node finds its network through a few others whose addresses it knows. If none of them answers it finds nobody at its first start; a node that has run before knows more peers.",
			Next: "check the internet connection and the firewall, then `bedrock doctor --only bootstrap`"},
		{ID: SlowDisk, Title: "the disk is slow", Severity: Warning,
			Text: "What must survive a power cut is written through to the disk before the node goes on, and this disk takes long for that. SD cards and network disks often do.",
			Next: "use an SSD for the home (`--home`); a sequencer needs one"},
		{ID: FewFiles, Title: "few files may be open", Severity: Warning,
			Text: "Each connection and each part of the database counts as an open file, and the system allows this user few of them.",
			Next: "`ulimit -n 65536` in the shell that starts the node, or LimitNOFILE=65536 in its systemd unit"},
		{ID: SmallBuffers, Title: "UDP buffers are small", Severity: Warning,
			Text: "QUIC, by which most peers at home are connected, wants large receive buffers. With small ones packets are lost under load and sent again.",
			Next: "on Linux: `sudo sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000`"},
		{ID: OpenKeys, Title: "others may read the keys", Severity: Failure,
			Text: "The home and the key files in it belong to one user only. A node refuses to start while others of this machine may read them.",
			Next: "`bedrock doctor --only keys` names the files and the command for each"},
		{ID: LostKey, Title: "a key is missing or damaged", Severity: Failure,
			Text: "A file with a secret of the node is gone, or holds no key. Without it the node does not start, and nobody can make the key anew.",
			Next: "`bedrock keys restore` makes a home of a backup; a peer or light client that has none can start with a new home"},
		{ID: BadConfig, Title: "the settings cannot be read", Severity: Failure,
			Text: "A file of the home is damaged, or config.toml has a key or a value that this program does not know. The node does not start with it.",
			Next: "correct the line that is named; `bedrock config show` shows what holds"},
		{ID: BadDatabase, Title: "the database does not open", Severity: Failure,
			Text: "The database is damaged, of another network, or written by a newer program. Nothing in it was changed.",
			Next: "`bedrock doctor --only database` says which it is; blocks can always be fetched again, keys cannot"},
		{ID: OldVersion, Title: "peers run a newer program", Severity: Warning, After: 5 * time.Minute, Because: []ID{RulesNewer},
			Text: "Most peers call themselves by a newer version. When the network's rules change an old program stands still.",
			Next: "install the newest release, then start the node again"},
	}
}
