// OpenZeppelin's contracts through viem: ERC-20 with permits and votes, ERC-721, an upgrade behind a proxy, a governor
// whose proposal passes a timelock.
import assert from 'node:assert/strict';
import {
  createPublicClient, createWalletClient, decodeFunctionResult, defineChain, encodeFunctionData, getAddress, http, keccak256, parseEther,
  parseSignature, toHex, BaseError, ContractFunctionRevertedError,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { compile, devnet, done, step, within } from './common.mjs';

const chain = defineChain({
  id: Number(devnet.chainId), name: 'bedrock devnet',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [devnet.rpc] } },
});
const [alice, bob] = [4, 5].map((i) => privateKeyToAccount(devnet.accounts[i].privateKey));
const reader = createPublicClient({ chain, transport: http(devnet.rpc), pollingInterval: 100 });
const wallets = new Map([alice, bob].map((account) => [account, createWalletClient({ account, chain, transport: http(devnet.rpc) })]));

const mined = async (hash) => {
  const receipt = await within(30_000, `receipt of ${hash}`, reader.waitForTransactionReceipt({ hash }));
  assert.equal(receipt.status, 'success');
  return receipt;
};
const contracts = await step('compile', async () => compile('suite.sol'));
const deploy = async (name, ...args) =>
  (await mined(await wallets.get(alice).deployContract({ ...contracts[name], args }))).contractAddress;
const at = (name, address) => ({ address, abi: contracts[name].abi });
const read = (contract, functionName, ...args) => reader.readContract({ ...contract, functionName, args });
const write = async (account, contract, functionName, ...args) =>
  mined(await wallets.get(account).writeContract({ ...contract, functionName, args }));

/** Asserts that a call reverts with one of the contract's own errors. */
const refused = (account, contract, functionName, args, errorName) =>
  assert.rejects(reader.simulateContract({ ...contract, account, functionName, args }), (error) => {
    assert.ok(error instanceof BaseError);
    assert.equal(error.walk((e) => e instanceof ContractFunctionRevertedError)?.data?.errorName, errorName);
    return true;
  });

const coin = await step('ERC-20: deploy, transfer, allowance', async () => {
  const token = at('Coin', await deploy('Coin', parseEther('1000')));
  await write(alice, token, 'transfer', bob.address, parseEther('100'));
  await write(alice, token, 'approve', bob.address, 30n);
  await write(bob, token, 'transferFrom', alice.address, bob.address, 20n);
  assert.equal(await read(token, 'allowance', alice.address, bob.address), 10n);
  assert.equal(await read(token, 'balanceOf', bob.address), parseEther('100') + 20n);
  return token;
});

await step('ERC-20: custom errors', async () => {
  await refused(bob, coin, 'transfer', [alice.address, parseEther('5000')], 'ERC20InsufficientBalance');
  await refused(bob, coin, 'transferFrom', [alice.address, bob.address, 11n], 'ERC20InsufficientAllowance');
});

await step('ERC-20: permit (EIP-712)', async () => {
  const deadline = 1n << 40n;
  const signature = parseSignature(await wallets.get(alice).signTypedData({
    domain: { name: 'Coin', version: '1', chainId: chain.id, verifyingContract: coin.address },
    types: {
      Permit: ['owner', 'spender'].map((name) => ({ name, type: 'address' }))
        .concat(['value', 'nonce', 'deadline'].map((name) => ({ name, type: 'uint256' }))),
    },
    primaryType: 'Permit',
    message: { owner: alice.address, spender: bob.address, value: 77n, nonce: 0n, deadline },
  }));
  const permit = [alice.address, bob.address, 77n, deadline, Number(signature.v), signature.r, signature.s];
  await write(bob, coin, 'permit', ...permit);
  assert.equal(await read(coin, 'allowance', alice.address, bob.address), 77n);
  await refused(bob, coin, 'permit', permit, 'ERC2612InvalidSigner'); // its nonce is used up
});

await step('ERC-721: mint, transfer to a receiver, events', async () => {
  const art = at('Art', await deploy('Art', alice.address));
  const museum = await deploy('Museum');
  const minted = await write(alice, art, 'mint', bob.address, 7n);
  assert.equal(await read(art, 'tokenURI', 7n), 'ipfs://art/7');
  await refused(bob, art, 'mint', [bob.address, 8n], 'OwnableUnauthorizedAccount');
  const send = [bob.address, coin.address, 7n];
  await refused(bob, art, 'safeTransferFrom', send, 'ERC721InvalidReceiver');
  await write(bob, art, 'safeTransferFrom', bob.address, museum, 7n);
  assert.equal(await read(art, 'ownerOf', 7n), getAddress(museum));
  const moves = await reader.getContractEvents({ ...art, eventName: 'Transfer', args: { tokenId: 7n }, fromBlock: minted.blockNumber });
  assert.deepEqual(moves.map((event) => event.args.to), [bob.address, getAddress(museum)]);
});

await step('proxy: initialise, upgrade (ERC-1967, UUPS), keep the storage', async () => {
  const slot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc';
  const implementation = async (address) => getAddress('0x' + (await reader.getStorageAt({ address, slot })).slice(26));
  const first = await deploy('Box');
  const initialise = encodeFunctionData({ abi: contracts.Box.abi, functionName: 'initialize', args: [alice.address] });
  const box = at('BoxV2', await deploy('Proxy', first, initialise));
  assert.equal(await implementation(box.address), getAddress(first));
  await refused(bob, box, 'initialize', [bob.address], 'InvalidInitialization');
  await write(alice, box, 'store', 41n);
  assert.equal(await read(box, 'version'), 1n);

  const second = await deploy('BoxV2');
  await refused(bob, box, 'upgradeToAndCall', [second, '0x'], 'NotOwner');
  await refused(alice, box, 'upgradeToAndCall', [coin.address, '0x'], 'ERC1967InvalidImplementation');
  const increment = encodeFunctionData({ abi: contracts.BoxV2.abi, functionName: 'increment' });
  await write(alice, box, 'upgradeToAndCall', second, increment);
  assert.equal(await implementation(box.address), getAddress(second));
  assert.equal(await read(box, 'version'), 2n);
  assert.equal(await read(box, 'value'), 42n);
});

// A proposal goes by the clock of blocks, and blocks come when there is something to order.
const tick = async () => mined(await wallets.get(bob).sendTransaction({ to: bob.address, value: 1n }));
const until = (what, reached) => within(30_000, what, (async () => {
  while (!(await reached())) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await tick();
  }
})());

await step('governor: propose, vote, queue, execute after the timelock', async () => {
  const none = '0x0000000000000000000000000000000000000000';
  const timelock = at('Timelock', await deploy('Timelock', 1n, [], [none], alice.address));
  const parliament = at('Parliament', await deploy('Parliament', coin.address, timelock.address));
  await write(alice, timelock, 'grantRole', keccak256(toHex('PROPOSER_ROLE')), parliament.address);
  await write(alice, coin, 'transfer', timelock.address, 500n);
  await write(alice, coin, 'delegate', alice.address);
  await write(bob, coin, 'delegate', bob.address);
  await tick();

  const beneficiary = '0x00000000000000000000000000000000000000b0';
  const payout = encodeFunctionData({ abi: contracts.Coin.abi, functionName: 'transfer', args: [beneficiary, 500n] });
  const proposal = [[coin.address], [0n], [payout]];
  await write(alice, parliament, 'propose', ...proposal, 'pay');
  const described = [...proposal, keccak256(toHex('pay'))];
  const id = await read(parliament, 'hashProposal', ...described);
  const states = ['Pending', 'Active', 'Canceled', 'Defeated', 'Succeeded', 'Queued', 'Expired', 'Executed'];
  const state = async () => states[await read(parliament, 'state', id)];

  await until('the vote to open', async () => (await state()) === 'Active');
  await write(alice, parliament, 'castVote', id, 1);
  await write(bob, parliament, 'castVoteWithReason', id, 0, 'too much');
  const [against, favour] = await read(parliament, 'proposalVotes', id);
  assert.ok(favour > against && against > 0n);
  await refused(bob, parliament, 'castVote', [id, 1], 'GovernorAlreadyCastVote');
  await until('the vote to end', async () => (await state()) === 'Succeeded');
  await write(alice, parliament, 'queue', ...described);
  assert.equal(await state(), 'Queued');
  const eta = await read(parliament, 'proposalEta', id);
  await until('the timelock', async () => (await reader.getBlock()).timestamp >= eta);
  const executed = await write(bob, parliament, 'execute', ...described);
  assert.equal(await state(), 'Executed');
  assert.equal(await read(coin, 'balanceOf', beneficiary), 500n);

  // parliament -> timelock -> coin, as the trace of the execution shows.
  const trace = await reader.request({ method: 'debug_traceTransaction', params: [executed.transactionHash, { tracer: 'callTracer' }] });
  const called = (frame) => [getAddress(frame.to), ...(frame.calls ?? []).flatMap(called)];
  const path = called(trace);
  assert.equal(path[0], getAddress(parliament.address));
  assert.ok(path.indexOf(getAddress(timelock.address)) > 0);
  assert.ok(path.lastIndexOf(getAddress(coin.address)) > path.indexOf(getAddress(timelock.address)));
});

await step('eth_simulateV1: two blocks that build on each other', async () => {
  const poor = '0x00000000000000000000000000000000000000d0';
  const token = { to: coin.address, abi: coin.abi };
  const [first, second] = await reader.simulateBlocks({
    traceTransfers: true,
    blocks: [
      {
        stateOverrides: [{ address: poor, balance: parseEther('2') }],
        calls: [{ from: poor, to: bob.address, value: parseEther('1') }, { ...token, from: alice.address, functionName: 'transfer', args: [poor, 9n] }],
      },
      { calls: [{ ...token, functionName: 'balanceOf', args: [poor] }, { ...token, from: poor, functionName: 'transfer', args: [alice.address, 10n] }] },
    ],
  });
  assert.deepEqual(first.calls.map((call) => [call.status, call.logs.length]), [['success', 1], ['success', 2]]); // alice's votes move too
  assert.equal(second.number, first.number + 1n);
  assert.equal(decodeFunctionResult({ abi: coin.abi, functionName: 'balanceOf', data: second.calls[0].data }), 9n);
  assert.equal(second.calls[1].status, 'failure');
  assert.equal(await read(coin, 'balanceOf', poor), 0n); // nothing of it happened
});

done('openzeppelin');
