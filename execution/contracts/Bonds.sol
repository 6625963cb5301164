// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Bonds of sequencers and provers, what they answer for and what they earn. The contract is a predeploy at the fee
/// vault's address: it holds the bonds and the network's fees, and nothing else holds either.
///
/// Only the first system call of a block (sender SYSTEM) admits bonds, slashes, settles and shares out. It works on bounded
/// amounts and calls nobody: what somebody is owed becomes a credit that its owner withdraws.
///
/// Value is conserved: the balance is never below `accounted`, which is at all times the sum of all stakes, waiting
/// requests, credits, escrows, prizes of settled steps not yet collected, both pools and `burned`. What the balance has
/// beyond it (fees of the last block, gifts) enters the pools with the next system call.
contract Bonds {
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935; // EIP-2935: digests of bedrock headers

    uint256 private constant ADMISSIONS = 16; // requests that one block decides
    uint256 private constant STEPS = 32; // steps of the queue and supporters in it that one block looks at
    uint256 private constant PRIZE_BLOCKS = 8; // who asserts so long after the first shares the prize
    uint256 private constant COMMIT_BLOCKS = 64; // how long before its verdict a commitment counts, and rivals may come after
    uint256 private constant MAX_COVERED = 512; // blocks of one assertion
    uint256 private constant CLAIM_BYTES = 104;

    uint8 private constant SEQUENCER = 1;
    uint8 private constant PROVER = 2;

    uint8 private constant ACTIVE = 1;
    uint8 private constant LEAVING = 2;
    uint8 private constant RELEASED = 3;
    uint8 private constant SLASHED = 4; // for ever: a proven liar's key never bonds again

    uint8 private constant OPEN = 1;
    uint8 private constant SETTLED = 2;
    uint8 private constant VOID = 3;

    /// Written by genesis; nothing changes them.
    struct Parameters {
        uint64 unit; // wei of one unit of stake
        uint64 minStake; // units
        uint64 window; // microseconds of the clock that an assertion stands open
        uint64 step; // microseconds that one block adds to the clock at most
        uint64 delay; // microseconds of the clock from the end of service to release
        uint64 proverShare; // of 10000 of the fees; the rest is the sequencers'
    }

    struct Bond {
        address owner; // gets what is released or earned
        uint8 role;
        uint8 status;
        uint32 place; // in sequencers, while active
        uint40 assertedIn; // newest block with an assertion of this prover
        address operator; // may, beside the owner, announce readiness, assert and unbond
        uint64 readyFor; // epoch for which readiness was announced
        uint128 stake; // wei
        uint64 served; // epochs below this one may have been served
        uint64 until; // clock when the newest service or window ends
    }

    struct Request {
        bytes32 key;
        bytes32 proofR; // the key's signature over who owns and operates the bond
        bytes32 proofS;
        address owner;
        uint8 role;
        address operator;
        uint128 value;
    }

    /// What an assertion says of the outcome of the blocks up to a height, given an outcome before.
    struct Step {
        bytes32 parent; // value
        bytes32 value;
        bytes32 claim; // hash of the last claim
        uint64 parentHeight;
        uint64 height;
        uint64 opened; // clock
        uint64 openedIn; // block
        uint128 weight; // stakes that share the prize
        uint128 prize;
        uint8 status;
        uint32 seen; // supporters below this place are slashed
        bytes32[] supporters;
    }

    struct Value {
        bytes32 value;
        bytes32 claim;
        uint64 height;
    }

    struct Escrow {
        address payee;
        uint64 until; // last block in which an earlier commitment may still displace the payee
        uint128 amount;
        uint128 order; // of the payee's commitment
    }

    struct Verdict {
        bytes32 challenge; // digest in its CID
        bytes32 accused;
        address payee; // zero: everything is burned
    }

    Parameters private parameters;
    uint64 public time; // newest header time, microseconds
    uint64 public clock; // header time since genesis, of which each block adds at most parameters.step
    uint64 public epoch;
    uint128 public accounted;
    uint128 public burned;
    uint128 public sequencerPool;
    uint128 public proverPool;
    Value private newest; // settled

    mapping(bytes32 key => Bond) private bonds;
    bytes32[] private sequencers; // active bonds of that role
    bytes32[] private serving; // committee of the epoch, in its order
    mapping(address owner => uint256) public credit;

    uint64 private firstRequest;
    uint64 private nextRequest;
    uint64 private firstStep;
    uint64 private nextStep;
    uint64 private commitments;
    mapping(uint256 => Request) private requests;
    mapping(uint256 => Step) private steps;
    mapping(bytes32 link => uint256) private openSteps; // place of an open step in the queue, plus 1
    mapping(uint256 step => mapping(bytes32 key => uint256)) private shares;
    mapping(bytes32 commitment => uint128) private commits; // block << 64 | number
    mapping(bytes32 accused => Escrow) private escrows;
    bytes32[] private known; // every key that was ever bonded, in order of its first bond

    event Requested(bytes32 indexed key, address indexed owner, uint8 role, uint256 value);
    event Added(bytes32 indexed key, uint256 value);
    event Ready(bytes32 indexed key, uint64 epoch);
    event Leaving(bytes32 indexed key);
    event Released(bytes32 indexed key, address indexed owner, uint256 value);
    event Asserted(bytes32 indexed key, uint256 indexed step, uint64 height, bytes32 value);
    event Collected(bytes32 indexed key, uint256 indexed step, uint256 value);
    event Rewarded(bytes32 indexed accused, address indexed payee, uint256 value);
    event Withdrawn(address indexed owner, uint256 value);

    error NotSystem();
    error NotAllowed(); // the sender is neither owner nor operator
    error WrongRole();
    error WrongStatus(); // the bond is not in the state that the call is for
    error TooSmall(); // the stake would be below the minimum
    error TooLarge();
    error TooEarly();
    error TooLate();
    error Malformed();
    error Nothing(); // there is nothing to pay
    error Refused(); // the receiver did not take the payment

    modifier system() {
        if (msg.sender != SYSTEM) revert NotSystem();
        _;
    }

    // Bonds

    /// Asks for a bond of the key, of the value sent, owned by the sender. The two halves of the proof are the key's
    /// signature over (contract, owner, operator, role) in the network's domain for bonds. The next block's system call
    /// checks it; a bond that is refused (proof wrong, key bonded already) is credited to the sender.
    function bond(bytes32 key, uint8 role, address operator, bytes32 proofR, bytes32 proofS) external payable {
        if (role != SEQUENCER && role != PROVER) revert WrongRole();
        if (msg.value < minimum()) revert TooSmall();
        requests[nextRequest++] = Request(key, proofR, proofS, msg.sender, role, operator, narrow(msg.value));
        accounted += uint128(msg.value);
        emit Requested(key, msg.sender, role, msg.value);
    }

    /// Adds to a bond's stake; anybody may.
    function add(bytes32 key) external payable {
        Bond storage b = bonds[key];
        if (b.status != ACTIVE) revert WrongStatus();
        if (msg.value == 0) revert TooSmall();
        b.stake += narrow(msg.value);
        accounted += uint128(msg.value);
        emit Added(key, msg.value);
    }

    /// Announces that the sequencer is there to serve in the next epoch.
    function ready(bytes32 key) external {
        Bond storage b = allowed(key);
        if (b.role != SEQUENCER) revert WrongRole();
        if (b.status != ACTIVE) revert WrongStatus();
        b.readyFor = epoch + 1;
        emit Ready(key, epoch + 1);
    }

    /// Takes a bond out of every later choice. Its stake still answers for what the key signs until it is released.
    function unbond(bytes32 key) external {
        Bond storage b = allowed(key);
        if (b.status != ACTIVE) revert WrongStatus();
        b.status = LEAVING;
        if (b.until < clock) b.until = clock;
        if (b.role == SEQUENCER) unlist(b);
        emit Leaving(key);
    }

    /// Credits a leaving bond's stake to its owner, once its service is over and the delay has passed; anybody may call.
    function release(bytes32 key) external {
        Bond storage b = bonds[key];
        if (b.status != LEAVING) revert WrongStatus();
        if (b.served > epoch || clock < uint256(b.until) + parameters.delay) revert TooEarly();
        uint256 value = b.stake;
        b.stake = 0;
        b.status = RELEASED;
        credit[b.owner] += value;
        emit Released(key, b.owner, value);
    }

    /// Pays the sender its credit.
    function withdraw() external {
        uint256 value = credit[msg.sender];
        if (value == 0) revert Nothing();
        credit[msg.sender] = 0;
        accounted -= uint128(value);
        emit Withdrawn(msg.sender, value);
        bool taken;
        address to = msg.sender;
        assembly { taken := call(gas(), to, value, 0, 0, 0, 0) }
        if (!taken) revert Refused();
    }

    // Assertions and challenges

    /// Posts an assertion: the outcome of the blocks above parentHeight up to height, given the value there; digest is the
    /// last block's header, which must be on the chain. blocks holds for each block a two-byte number of chunks, the hash of
    /// all its claims but the last (prefix), the last claim in clear, and for each claim before it sha256(key, claim hash).
    /// The contract checks the form alone. Whether it is true others say, by challenges, which show the transaction: so
    /// it is posted directly, by an account without code, and laid out in one way only.
    function assertValue(
        bytes32 key, bytes32 parent, uint64 parentHeight, uint64 height, bytes32 digest, bytes calldata blocks
    ) external {
        Bond storage b = allowed(key);
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotAllowed();
        if (b.role != PROVER) revert WrongRole();
        if (b.status != ACTIVE) revert WrongStatus();
        if (b.assertedIn >= block.number) revert TooEarly();
        checkLayout(blocks);
        if (height <= parentHeight || height - parentHeight > MAX_COVERED) revert Malformed();
        if (height >= block.number) revert TooEarly();
        if (parentHeight < newest.height || parentHeight == newest.height && parent != newest.value) revert TooLate();
        if (digest != headerAt(height)) revert Malformed();
        uint256 start = lastBlock(blocks, height - parentHeight);
        bytes calldata last = blocks[start:start + 32 + CLAIM_BYTES];
        b.assertedIn = uint40(block.number);
        b.until = clock + parameters.window;
        bytes32 value = sha256(abi.encodePacked("bedrock/value", height, digest, last));
        uint256 step = support(key, keccak256(abi.encode(parent, value)), b.stake);
        if (steps[step].supporters.length == 1) {
            Step storage s = steps[step];
            (s.parent, s.value, s.parentHeight, s.height) = (parent, value, parentHeight, height);
            s.claim = sha256(abi.encodePacked("bedrock/claim", last[32:]));
        }
        emit Asserted(key, step, height, value);
    }

    /// Pays a prover its part of a settled step's prize, into its owner's credit; anybody may call.
    function collect(uint256 step, bytes32 key) external {
        Step storage s = steps[step];
        Bond storage b = bonds[key];
        uint256 share = shares[step][key];
        if (s.status != SETTLED || share == 0) revert Nothing();
        if (b.status == SLASHED) revert WrongStatus(); // its part stays where it is, for ever
        shares[step][key] = 0;
        uint256 value = uint256(s.prize) * share / s.weight;
        credit[b.owner] += value;
        emit Collected(key, step, value);
    }

    /// Notes a commitment keccak256(payee, challenge). Of those who show one lie the first to commit is paid.
    function commit(bytes32 commitment) external {
        if (commits[commitment] >> 64 != 0 && (commits[commitment] >> 64) + COMMIT_BLOCKS >= block.number) revert TooEarly();
        commits[commitment] = uint128(block.number << 64 | ++commitments);
    }

    /// Credits a challenger with its part of a slashed bond once no rival can come before it; anybody may call.
    function reward(bytes32 accused) external {
        Escrow memory e = escrows[accused];
        if (e.amount == 0) revert Nothing();
        if (block.number <= e.until) revert TooEarly();
        delete escrows[accused];
        credit[e.payee] += e.amount;
        emit Rewarded(accused, e.payee, e.amount);
    }

    // System calls

    /// Begins a block: its header's time, what the first `decided` requests came to (bit i of proven: the proof of request i
    /// holds), and the header's verdicts.
    function begin(uint64 headerTime, uint256 decided, uint256 proven, Verdict[] calldata verdicts) external system {
        if (headerTime > time) {
            if (time != 0) clock += min64(headerTime - time, parameters.step);
            time = headerTime;
        }
        accrue();
        for (uint256 i = 0; i < verdicts.length; i++) slash(verdicts[i]);
        admit(decided, proven);
        settle();
    }

    /// Names the value of height 0, which genesis cannot hold: it commits to the state.
    function found(bytes32 value, bytes32 claim) external system {
        if (newest.value == 0) newest = Value(value, claim, 0);
    }

    /// Ends an epoch: pays its committee by stake for the vertices of each that were sequenced, and names the next.
    function turn(bytes32[] calldata next, uint64[] calldata vertices) external system {
        pay(vertices);
        uint64 now_ = clock;
        for (uint256 i = 0; i < serving.length; i++) {
            Bond storage b = bonds[serving[i]];
            if (b.until < now_) b.until = now_;
        }
        epoch++;
        for (uint256 i = 0; i < next.length; i++) {
            if (i < serving.length) serving[i] = next[i];
            else serving.push(next[i]);
            bonds[next[i]].served = epoch + 1;
        }
        while (serving.length > next.length) serving.pop();
    }

    // Views

    function settings() external view returns (Parameters memory) {
        return parameters;
    }

    function bondOf(bytes32 key) external view returns (Bond memory) {
        return bonds[key];
    }

    /// The oldest requests that no block has decided, as many as one block decides.
    function waiting() external view returns (Request[] memory list) {
        uint256 count = nextRequest - firstRequest;
        list = new Request[](count < ADMISSIONS ? count : ADMISSIONS);
        for (uint256 i = 0; i < list.length; i++) list[i] = requests[firstRequest + i];
    }

    /// Who may be chosen for the next epoch, of the active sequencers from a place on: who serves now or announced to be
    /// ready, with the minimum of stake. Stakes are in units. The end is reached when more is 0; else it is the next place.
    function candidates(uint256 from, uint256 count) external view returns (bytes32[] memory keys, uint64[] memory stakes, uint256 more) {
        uint256 end = from + count < sequencers.length ? from + count : sequencers.length;
        keys = new bytes32[](end > from ? end - from : 0);
        stakes = new uint64[](keys.length);
        uint256 n;
        for (uint256 i = from; i < end; i++) {
            Bond storage b = bonds[sequencers[i]];
            if (b.stake < minimum() || b.served != epoch + 1 && b.readyFor != epoch + 1) continue;
            (keys[n], stakes[n]) = (sequencers[i], units(b.stake));
            n++;
        }
        assembly {
            mstore(keys, n)
            mstore(stakes, n)
        }
        more = end < sequencers.length ? end : 0;
    }

    function committee() external view returns (bytes32[] memory) {
        return serving;
    }

    /// Every key that was ever bonded, in order of its first bond, from a place on; their bonds say what became of them. The
    /// end is reached when more is 0; else it is the next place.
    function bonded(uint256 from, uint256 count) external view returns (bytes32[] memory keys, uint256 more) {
        uint256 end = from + count < known.length ? from + count : known.length;
        keys = new bytes32[](end > from ? end - from : 0);
        for (uint256 i = 0; i < keys.length; i++) keys[i] = known[from + i];
        more = end < known.length ? end : 0;
    }

    /// The newest settled value.
    function settled() external view returns (uint64 height, bytes32 value, bytes32 claim) {
        return (newest.height, newest.value, newest.claim);
    }

    /// Places in the queue of steps: all below first are decided, none from next on exists.
    function queue() external view returns (uint64 first, uint64 next) {
        return (firstStep, nextStep);
    }

    function stepAt(uint256 step) external view returns (Step memory) {
        return steps[step];
    }

    function escrowOf(bytes32 accused) external view returns (Escrow memory) {
        return escrows[accused];
    }

    /// When a commitment was made last: the block (0: never), and its place among all commitments.
    function committed(bytes32 commitment) external view returns (uint64 inBlock, uint64 number) {
        uint128 made = commits[commitment];
        return (uint64(made >> 64), uint64(made));
    }

    // Internals

    function allowed(bytes32 key) private view returns (Bond storage b) {
        b = bonds[key];
        if (msg.sender != b.owner && msg.sender != b.operator) revert NotAllowed();
    }

    function minimum() private view returns (uint256) {
        return uint256(parameters.unit) * parameters.minStake;
    }

    /// units is a stake in units, as far as a committee can count.
    function units(uint256 stake) private view returns (uint64) {
        stake /= parameters.unit;
        return stake > type(uint64).max ? type(uint64).max : uint64(stake);
    }

    function narrow(uint256 value) private pure returns (uint128) {
        if (value > type(uint128).max) revert TooLarge();
        return uint128(value);
    }

    function min64(uint64 a, uint64 b) private pure returns (uint64) {
        return a < b ? a : b;
    }

    function unlist(Bond storage b) private {
        bytes32 last = sequencers[sequencers.length - 1];
        sequencers[b.place] = last;
        bonds[last].place = b.place;
        sequencers.pop();
    }

    /// checkLayout demands that calldata ends where the blocks, padded to a word, do, and that nothing lies before them.
    function checkLayout(bytes calldata blocks) private pure {
        uint256 start;
        assembly { start := blocks.offset }
        if (start != 4 + 7 * 32 || msg.data.length != start + (blocks.length + 31) / 32 * 32) revert Malformed();
    }

    /// lastBlock walks the claims of count blocks; it returns where the last one's prefix and last claim begin.
    function lastBlock(bytes calldata blocks, uint256 count) private pure returns (uint256 start) {
        uint256 end;
        for (uint256 i = 0; i < count; i++) {
            start = end + 2;
            if (start > blocks.length) revert Malformed();
            uint256 chunks = uint16(bytes2(blocks[end:start]));
            if (chunks == 0) revert Malformed();
            end = start + 32 + CLAIM_BYTES + 32 * (chunks - 1);
            if (end > blocks.length) revert Malformed();
        }
        if (end != blocks.length) revert Malformed();
    }

    function headerAt(uint256 height) private view returns (bytes32 digest) {
        (bool ok, bytes memory answer) = HISTORY.staticcall(abi.encode(height));
        if (!ok || answer.length != 32) revert TooLate();
        digest = abi.decode(answer, (bytes32));
        if (digest == 0) revert TooLate();
    }

    /// support enters a prover behind the open step of a link, which it opens if there is none.
    function support(bytes32 key, bytes32 link, uint128 stake) private returns (uint256 place) {
        place = openSteps[link];
        if (place == 0) {
            place = ++nextStep;
            openSteps[link] = place;
            Step storage opened = steps[place - 1];
            (opened.status, opened.opened, opened.openedIn) = (OPEN, clock, uint64(block.number));
        }
        place--;
        Step storage s = steps[place];
        s.supporters.push(key);
        if (shares[place][key] == 0 && block.number <= s.openedIn + PRIZE_BLOCKS) {
            shares[place][key] = stake;
            s.weight += stake;
        }
    }

    /// accrue puts what the balance gained into the pools.
    function accrue() private {
        if (address(this).balance <= accounted) return;
        uint256 gained = address(this).balance - accounted;
        uint256 provers = gained * parameters.proverShare / 10000;
        proverPool += uint128(provers);
        sequencerPool += uint128(gained - provers);
        accounted += uint128(gained);
    }

    /// slash takes a whole bond. A later verdict on the same key can only show that another challenger committed earlier.
    function slash(Verdict calldata v) private {
        Bond storage b = bonds[v.accused];
        if (b.status == ACTIVE || b.status == LEAVING) {
            if (b.status == ACTIVE && b.role == SEQUENCER) unlist(b);
            uint128 stake = b.stake;
            (b.status, b.stake) = (SLASHED, 0);
            uint128 part = v.payee == address(0) ? 0 : stake / 10;
            burned += stake - part;
            if (part != 0) escrows[v.accused] = Escrow(v.payee, uint64(block.number + COMMIT_BLOCKS), part, orderOf(v));
            return;
        }
        Escrow storage e = escrows[v.accused];
        if (e.amount == 0 || v.payee == address(0) || block.number > e.until) return;
        uint128 order = orderOf(v);
        if (order < e.order) (e.payee, e.order) = (v.payee, order);
    }

    /// orderOf ranks a verdict's payee by its commitment; who made none in time comes last.
    function orderOf(Verdict calldata v) private view returns (uint128) {
        uint128 made = commits[keccak256(abi.encode(v.payee, v.challenge))];
        return (made >> 64) + COMMIT_BLOCKS >= block.number && made != 0 ? made : type(uint128).max;
    }

    /// admit decides the oldest requests.
    function admit(uint256 decided, uint256 proven) private {
        for (uint256 i = 0; i < decided && firstRequest < nextRequest; i++) {
            Request memory r = requests[firstRequest];
            delete requests[firstRequest++];
            Bond storage b = bonds[r.key];
            if (proven >> i & 1 == 0 || b.status != 0 && b.status != RELEASED) {
                credit[r.owner] += r.value;
                continue;
            }
            if (b.status == 0) known.push(r.key);
            (b.owner, b.operator, b.role, b.status) = (r.owner, r.operator, r.role, ACTIVE);
            (b.stake, b.readyFor) = (r.value, 0);
            if (r.role == SEQUENCER) {
                b.place = uint32(sequencers.length);
                sequencers.push(r.key);
            }
        }
    }

    /// settle decides the steps at the head of the queue whose window is over, as far as one block's work goes.
    function settle() private {
        uint256 work = STEPS;
        while (work > 0 && firstStep < nextStep) {
            Step storage s = steps[firstStep];
            if (clock < uint256(s.opened) + parameters.window) return;
            work--;
            bool stands = s.parent == newest.value && s.parentHeight == newest.height;
            if (stands) {
                uint256 count = s.supporters.length;
                uint256 seen = s.seen;
                while (seen < count && bonds[s.supporters[seen]].status == SLASHED) {
                    seen++;
                    if (work == 0) {
                        s.seen = uint32(seen);
                        return; // the next block goes on from here
                    }
                    work--;
                }
                stands = seen < count;
            }
            delete openSteps[keccak256(abi.encode(s.parent, s.value))];
            firstStep++;
            s.status = stands ? SETTLED : VOID;
            if (!stands) continue;
            newest = Value(s.value, s.claim, s.height);
            if (s.weight != 0) (s.prize, proverPool) = (proverPool, 0);
        }
    }

    /// pay shares the sequencers' pool among the committee, by stake times sequenced vertices.
    function pay(uint64[] calldata vertices) private {
        uint256 count = serving.length < vertices.length ? serving.length : vertices.length;
        uint256[] memory weights = new uint256[](count);
        uint256 total;
        for (uint256 i = 0; i < count; i++) {
            Bond storage b = bonds[serving[i]];
            if (b.owner == address(0)) continue;
            weights[i] = uint256(units(b.stake)) * vertices[i]; // below 2^128: no product below overflows
            total += weights[i];
        }
        if (total == 0) return;
        uint256 pool = sequencerPool;
        uint256 paid;
        for (uint256 i = 0; i < count; i++) {
            if (weights[i] == 0) continue;
            uint256 part = pool * weights[i] / total;
            credit[bonds[serving[i]].owner] += part;
            paid += part;
        }
        sequencerPool = uint128(pool - paid);
    }
}
