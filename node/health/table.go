package health

import "time"

// The codes; Codes says what each means.
const (
	NoPeers       ID = "BR-NET-001"
	Unreachable   ID = "BR-NET-002"
	RelayOnly     ID = "BR-NET-003"
	NoPortMapping ID = "BR-NET-004"
	SharedAddress ID = "BR-NET-005"
	NoIPv6        ID = "BR-NET-006"
	NoBootstrap   ID = "BR-NET-007"

	NoNewBlock    ID = "BR-CHAIN-001"
	Behind        ID = "BR-CHAIN-002"
	Corrupt       ID = "BR-CHAIN-003"
	CheckpointOld ID = "BR-CHAIN-004"
	FalseVerdict  ID = "BR-CHAIN-005"

	NotSampled  ID = "BR-SAMPLE-001"
	Unavailable ID = "BR-SAMPLE-002"

	ClockSkew ID = "BR-CLOCK-001"

	DiskFilling ID = "BR-DISK-001"
	DiskFull    ID = "BR-DISK-002"
	Pruned      ID = "BR-DISK-003"
	SlowDisk    ID = "BR-DISK-004"
	MemoryTight ID = "BR-MEM-001"

	FewFiles     ID = "BR-FILES-001"
	SmallBuffers ID = "BR-UDP-001"
	OpenKeys     ID = "BR-KEY-001"
	LostKey      ID = "BR-KEY-002"
	BadConfig    ID = "BR-CONF-001"
	BadDatabase  ID = "BR-DB-001"

	RulesNewer ID = "BR-VERSION-001"
	OldVersion ID = "BR-VERSION-002"

	NotSigning ID = "BR-SEQ-001"
	Twin       ID = "BR-SEQ-002"
	Convicted  ID = "BR-SEQ-003"
	NotReady   ID = "BR-SEQ-004"

	OutOfGas     ID = "BR-ACC-001"
	ProverAbsent ID = "BR-PROVE-001"
	BondSlashed  ID = "BR-BOND-001"
)

// Codes lists every code, in the order of the page.
func Codes() []Code {
	var all []Code
	for _, part := range [][]Code{networkCodes(), chainCodes(), machineCodes(), dutyCodes(), doctorCodes()} {
		all = append(all, part...)
	}
	return all
}

// Find is the code of a name.
func Find(id ID) (Code, bool) {
	for _, c := range Codes() {
		if c.ID == id {
			return c, true
		}
	}
	return Code{}, false
}

func networkCodes() []Code {
	return []Code{
		{ID: NoPeers, Title: "no connection to any peer", Severity: Failure, After: 15 * time.Second,
			Text: "The node is connected to nobody, so it hears of no block. Most often the machine is not in the internet, or no node to join by can be reached.",
			Next: "check the internet connection, then `bedrock doctor`"},
		{ID: Unreachable, Title: "others cannot dial this node", Severity: Info, After: 5 * time.Minute, Because: []ID{NoPeers},
			Text: "Others tried the node's addresses in vain and no relay passes connections on to it. It works by the connections that it opens itself; it can serve few.",
			Next: "forward port 4848 (TCP and UDP) to this machine in the router, then `bedrock doctor`"},
		{ID: RelayOnly, Title: "reachable through relays only", Severity: Info, After: 5 * time.Minute, Because: []ID{NoPeers},
			Text: "A router hides the node. Peers find it through relays and then try to reach it directly. That works; a forwarded port is faster for everybody.",
			Next: "nothing has to be done; to improve it forward port 4848 (TCP and UDP) in the router"},
		{ID: NoPortMapping, Title: "the router forwards no port by itself", Severity: Info, After: 5 * time.Minute, Because: []ID{NoPeers},
			Text: "The router answered neither UPnP nor NAT-PMP. That is usual, and fine where others reach the node anyway.",
			Next: "switch on UPnP in the router, or forward port 4848 (TCP and UDP) by hand"},
		{ID: SharedAddress, Title: "the provider shares one address among homes", Severity: Info, After: 5 * time.Minute, Because: []ID{NoPeers},
			Text: "The router's own outer address is not a public one, so forwarding a port in it helps nobody. Peers reach the node through relays.",
			Next: "nothing has to be done; ask the provider for an own IPv4 address, or for IPv6"},
	}
}

func chainCodes() []Code {
	return []Code{
		{ID: NoNewBlock, Title: "no new block", Severity: Failure, After: 20 * time.Second, Because: []ID{NoPeers, Corrupt, RulesNewer},
			Text: "The network makes a block at least every 10 seconds, and none has come for much longer. Either the committee stands still, or this node's peers hide it.",
			Next: "`bedrock peers` shows who is connected; `bedrock status` on another node tells whether it is the network"},
		{ID: Behind, Title: "catching up", Severity: Warning, After: 30 * time.Second, Because: []ID{NoPeers, DiskFull},
			Text: "The node has not executed all blocks that are certified. It is catching up, or this machine is too slow for the network's load.",
			Next: "`bedrock wait --synced` returns when it has caught up"},
		{ID: Corrupt, Title: "a quorum is corrupt: the node follows no further", Severity: Failure,
			Text: "It is proven that a quorum of sequencers signed what it must not have signed. Nothing after that block can be trusted, so the node stands still.",
			Next: "`bedrock fraud list` names who is convicted; ask people you trust which chain to follow"},
		{ID: CheckpointOld, Title: "what this node knows is growing old", Severity: Warning, After: time.Minute,
			Text: "The newest block known here is older than half of the time for which a committee's stake stays bonded. Once all of it has passed the node must not follow the network without a checkpoint.",
			Next: "let it catch up soon; else start with `--checkpoint HEIGHT:DIGEST` from somebody you trust (docs/checkpoints.md)"},
		{ID: FalseVerdict, Title: "a quorum took a bond without a reason", Severity: Warning,
			Text: "Certified headers list a verdict that the challenge does not bear out. Nothing that this node tells rests on it, but the committee behaved wrongly.",
			Next: "`bedrock fraud list --false` names the verdict and who signed it"},
		{ID: NotSampled, Title: "no recent block is sampled", Severity: Failure, After: 30 * time.Second, Because: []ID{NoPeers, NoNewBlock, Corrupt, Unavailable},
			Text: "The node has found no recent block available by its own samples, so what it tells rests on others' word.",
			Next: "`bedrock peers` shows who could answer; `bedrock sample HEIGHT` shows what came back"},
		{ID: Unavailable, Title: "a block's data does not come", Severity: Failure, After: 30 * time.Second, Because: []ID{NoPeers},
			Text: "Too few of a certified block's rows could be had. Either they are withheld, or this node's line is too slow. It asks again.",
			Next: "`bedrock sample HEIGHT` shows which rows are missing"},
	}
}

func machineCodes() []Code {
	return []Code{
		{ID: ClockSkew, Title: "this machine's clock is wrong", Severity: Warning, After: time.Minute, Because: []ID{NoPeers},
			Text: "New blocks come with times that do not fit this machine's clock. A sequencer with a wrong clock orders badly, and ages shown are wrong.",
			Next: "set the clock by the network: `timedatectl set-ntp true` on Linux; then `bedrock doctor`"},
		{ID: DiskFilling, Title: "the disk fills up", Severity: Warning, After: time.Minute, Because: []ID{DiskFull},
			Text: "More than 80 % of the disk that the node may use is used, or little of the disk is free.",
			Next: "make room, or give the node more: `--disk`"},
		{ID: DiskFull, Title: "the disk is full", Severity: Failure,
			Text: "There is no room for what the node must keep. It takes nothing in until there is.",
			Next: "make room or give the node more (`--disk`), then start it again"},
		{ID: Pruned, Title: "old data was given up to keep the disk budget", Severity: Info,
			Text: "To stay within the disk that it may use the node gave up old data that it may lose. It serves less history to others.",
			Next: "nothing has to be done; `--disk` gives it more"},
		{ID: MemoryTight, Title: "memory is tight", Severity: Warning, After: time.Minute,
			Text: "The node uses nearly all of the memory that it may use, and works slower to stay within it.",
			Next: "give it more with `--memory`, or choose a smaller `--profile`"},
		{ID: RulesNewer, Title: "the network's rules are newer than this program", Severity: Failure,
			Text: "Blocks follow rules that this program does not know, so it can check nothing any more and stands still.",
			Next: "install the newest release and start it again; nothing is lost"},
	}
}

func dutyCodes() []Code {
	return []Code{
		{ID: NotSigning, Title: "in the committee, and silent", Severity: Failure, After: 30 * time.Second, Because: []ID{NoPeers, Twin, Convicted, DiskFull, RulesNewer, Corrupt},
			Text: "This node's key is in the committee, and the node makes no vertices while others do. It earns nothing, and too many silent members stop the network.",
			Next: "`bedrock peers` shows whether it reaches the other members; `bedrock doctor` checks the machine"},
		{ID: Twin, Title: "another node runs with this key", Severity: Failure,
			Text: "Somebody signs with the same key. Two such nodes sign contradicting vertices sooner or later, and that costs the bond. This one does not sign.",
			Next: "find and stop the other one; then start this one again"},
		{ID: Convicted, Title: "this key is convicted", Severity: Failure,
			Text: "It is proven that this key signed two vertices of one round. The node makes nothing more with it.",
			Next: "`bedrock fraud list` shows the proof; a new key needs a new bond"},
		{ID: NotReady, Title: "not announced for the next epoch", Severity: Warning, After: time.Minute, Because: []ID{NoPeers, OutOfGas},
			Text: "The node is bonded as a sequencer and cannot announce that it is there to serve, so the next committee goes without it.",
			Next: "the detail says what is missing; `bedrock ready` announces it by hand"},
		{ID: OutOfGas, Title: "the node's account cannot pay", Severity: Warning, After: 30 * time.Second,
			Text: "The account that pays for what the node posts (assertions, announcements, rewards) has not enough ether.",
			Next: "send it some ether; `bedrock status` shows the address"},
		{ID: ProverAbsent, Title: "blocks do not settle", Severity: Warning, After: time.Minute, Because: []ID{NoPeers, NoNewBlock, Behind, Corrupt},
			Text: "Blocks are ordered, certified and executed, but no claim about them settles. Wallets that wait for settlement wait.",
			Next: "once a prover with a bond runs again they settle: `bedrock bonds` lists who could"},
		{ID: BondSlashed, Title: "this key's bond is lost", Severity: Failure,
			Text: "This node's key was proven dishonest and its stake is gone. It never bonds again.",
			Next: "`bedrock fraud list` shows the proof; a new key needs a new bond"},
	}
}
