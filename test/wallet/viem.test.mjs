// A wallet's day with viem: ether, a token, events, a revert, twenty transactions at once.
import assert from 'node:assert/strict';
import {
  createPublicClient, createWalletClient, defineChain, http, parseEther, webSocket, BaseError, ContractFunctionRevertedError,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { compile, devnet, done, step, within } from './common.mjs';

const chain = defineChain({
  id: Number(devnet.chainId), name: 'bedrock devnet',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [devnet.rpc], webSocket: [devnet.ws] } },
});
const account = privateKeyToAccount(devnet.accounts[0].privateKey);
const reader = createPublicClient({ chain, transport: http(devnet.rpc), pollingInterval: 200 });
const wallet = createWalletClient({ account, chain, transport: http(devnet.rpc) });
const mined = async (hash) => {
  const receipt = await within(30_000, `receipt of ${hash}`, reader.waitForTransactionReceipt({ hash }));
  assert.equal(receipt.status, 'success');
  return receipt;
};
const stranger = () => privateKeyToAccount(generatePrivateKey()).address;

await step('chain id', async () => assert.equal(await reader.getChainId(), chain.id));

await step('send ether', async () => {
  const to = stranger();
  const before = await reader.getBalance({ address: account.address });
  const receipt = await mined(await wallet.sendTransaction({ to, value: parseEther('1.5') }));
  assert.equal(await reader.getBalance({ address: to }), parseEther('1.5'));
  const after = await reader.getBalance({ address: account.address });
  assert.equal(before - after, parseEther('1.5') + receipt.gasUsed * receipt.effectiveGasPrice);
});

const { abi, bytecode } = compile('erc20.sol').Token;
const supply = parseEther('1000');
const token = await step('deploy an ERC-20', async () => {
  const receipt = await mined(await wallet.deployContract({ abi, bytecode, args: [supply] }));
  const address = receipt.contractAddress;
  assert.equal(await reader.readContract({ address, abi, functionName: 'symbol' }), 'TEST');
  assert.equal(await reader.readContract({ address, abi, functionName: 'balanceOf', args: [account.address] }), supply);
  return address;
});

await step('transfer and read the event with getLogs', async () => {
  const to = stranger();
  const receipt = await mined(await wallet.writeContract({ address: token, abi, functionName: 'transfer', args: [to, 7n] }));
  const logs = await reader.getContractEvents({ address: token, abi, eventName: 'Transfer', args: { to }, fromBlock: 0n });
  assert.equal(logs.length, 1);
  assert.equal(logs[0].args.value, 7n);
  assert.equal(logs[0].transactionHash, receipt.transactionHash);
  assert.equal(await reader.readContract({ address: token, abi, functionName: 'balanceOf', args: [to] }), 7n);
});

await step('event by subscription (WebSocket)', async () => {
  const socket = createPublicClient({ chain, transport: webSocket(devnet.ws) });
  const to = stranger();
  let unwatch;
  const seen = new Promise((resolve, reject) => {
    unwatch = socket.watchContractEvent({ address: token, abi, eventName: 'Transfer', args: { to }, onLogs: resolve, onError: reject });
  });
  await socket.getBlockNumber(); // the subscription was sent before this on the same socket
  const heads = new Promise((resolve, reject) => {
    const stop = socket.watchBlocks({ onBlock: (b) => { stop(); resolve(b); }, onError: reject });
  });
  const receipt = await mined(await wallet.writeContract({ address: token, abi, functionName: 'transfer', args: [to, 11n] }));
  const logs = await within(15_000, 'the subscribed event', seen);
  assert.equal(logs[0].args.value, 11n);
  assert.equal(logs[0].transactionHash, receipt.transactionHash);
  const head = await within(15_000, 'a subscribed head', heads);
  assert.ok(head.number > 0n);
  unwatch();
  (await socket.transport.getSocket()).close();
});

await step('a revert carries its reason', async () => {
  const poor = stranger();
  const refused = reader.simulateContract({ account: poor, address: token, abi, functionName: 'transfer', args: [account.address, 1n] });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof BaseError);
    const reverted = error.walk((e) => e instanceof ContractFunctionRevertedError);
    assert.equal(reverted?.reason, 'balance is too low');
    return true;
  });
  const custom = reader.simulateContract({
    account: account.address, address: token, abi, functionName: 'transferFrom', args: [poor, account.address, 5n],
  });
  await assert.rejects(custom, (error) => {
    const reverted = error.walk((e) => e instanceof ContractFunctionRevertedError);
    assert.equal(reverted?.data?.errorName, 'InsufficientAllowance');
    return true;
  });
});

await step('twenty transactions at once from one account', async () => {
  const to = stranger();
  const nonce = await reader.getTransactionCount({ address: account.address, blockTag: 'pending' });
  const hashes = await Promise.all(Array.from({ length: 20 }, (_, i) =>
    wallet.sendTransaction({ to, value: BigInt(i + 1), nonce: nonce + i, gas: 21_000n })));
  assert.equal(await reader.getTransactionCount({ address: account.address, blockTag: 'pending' }), nonce + 20);
  await Promise.all(hashes.map(mined));
  assert.equal(await reader.getBalance({ address: to }), 210n);
  assert.equal(await reader.getTransactionCount({ address: account.address }), nonce + 20);
});

done('viem');
