// A wallet's day with ethers v6: ether, a token, events, a revert, twenty transactions at once.
import assert from 'node:assert/strict';
import { Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider, isError, parseEther } from 'ethers';
import { compile, devnet, done, step, within } from './common.mjs';

const provider = new JsonRpcProvider(devnet.rpc, undefined, { pollingInterval: 200 });
const wallet = new Wallet(devnet.accounts[1].privateKey, provider);
const mined = async (transaction) => {
  const receipt = await within(30_000, `receipt of ${transaction.hash}`, transaction.wait());
  assert.equal(receipt.status, 1);
  return receipt;
};
const stranger = () => Wallet.createRandom().address;

await step('chain id', async () => assert.equal((await provider.getNetwork()).chainId, BigInt(devnet.chainId)));

await step('send ether', async () => {
  const to = stranger();
  const before = await provider.getBalance(wallet.address);
  const receipt = await mined(await wallet.sendTransaction({ to, value: parseEther('1.5') }));
  assert.equal(await provider.getBalance(to), parseEther('1.5'));
  assert.equal(before - await provider.getBalance(wallet.address), parseEther('1.5') + receipt.fee);
});

const { abi, bytecode } = compile('erc20.sol').Token;
const supply = parseEther('1000');
const token = await step('deploy an ERC-20', async () => {
  const deployed = await new ContractFactory(abi, bytecode, wallet).deploy(supply);
  await within(30_000, 'deployment', deployed.waitForDeployment());
  assert.equal(await deployed.symbol(), 'TEST');
  assert.equal(await deployed.balanceOf(wallet.address), supply);
  return deployed;
});
const address = await token.getAddress();

await step('transfer and read the event with getLogs', async () => {
  const to = stranger();
  const receipt = await mined(await token.transfer(to, 7n));
  const logs = await token.queryFilter(token.filters.Transfer(null, to), 0);
  assert.equal(logs.length, 1);
  assert.equal(logs[0].args.value, 7n);
  assert.equal(logs[0].transactionHash, receipt.hash);
  assert.equal(await token.balanceOf(to), 7n);
});

await step('event by subscription (WebSocket)', async () => {
  const socket = new WebSocketProvider(devnet.ws);
  const to = stranger();
  const watched = new Contract(address, abi, socket);
  const seen = new Promise((resolve) => watched.on(watched.filters.Transfer(null, to), resolve));
  const heads = new Promise((resolve) => socket.once('block', resolve));
  await socket.getBlockNumber(); // the subscriptions were sent before this on the same socket
  const receipt = await mined(await token.transfer(to, 11n));
  const event = await within(15_000, 'the subscribed event', seen);
  assert.equal(event.args.value, 11n);
  assert.equal(event.log.transactionHash, receipt.hash);
  assert.ok(await within(15_000, 'a subscribed head', heads) > 0);
  // The socket stays open until the process ends: destroy would cancel requests that ethers makes in the background.
});

await step('event by polling a filter', async () => {
  const to = stranger();
  const watched = new Contract(address, abi, provider);
  const seen = new Promise((resolve) => watched.once(watched.filters.Transfer(null, to), (...all) => resolve(all.at(-1))));
  await new Promise((resolve) => setTimeout(resolve, 500)); // ethers installs the filter in the background
  await mined(await token.transfer(to, 13n));
  assert.equal((await within(15_000, 'the polled event', seen)).args.value, 13n);
});

await step('a revert carries its reason', async () => {
  const poor = new Contract(address, abi, new Wallet(Wallet.createRandom().privateKey, provider));
  await assert.rejects(poor.transfer.staticCall(wallet.address, 1n), (error) => {
    assert.ok(isError(error, 'CALL_EXCEPTION'));
    assert.equal(error.reason, 'balance is too low');
    return true;
  });
  await assert.rejects(token.transferFrom.staticCall(stranger(), wallet.address, 5n), (error) => {
    assert.equal(error.revert?.name, 'InsufficientAllowance');
    return true;
  });
});

await step('twenty transactions at once from one account', async () => {
  const to = stranger();
  const before = await provider.getTransactionCount(wallet.address, 'latest');
  const many = new NonceManager(wallet); // counts on from the pending nonce
  const sent = await Promise.all(Array.from({ length: 20 }, (_, i) => many.sendTransaction({ to, value: BigInt(i + 1) })));
  await Promise.all(sent.map(mined));
  assert.equal(await provider.getBalance(to), 210n);
  assert.equal(await provider.getTransactionCount(wallet.address, 'latest'), before + 20);
});

await step('a second account sends back to back without waiting', async () => {
  // A provider without cache: what another program, or a wallet after its cache expired, sees.
  const fresh = new JsonRpcProvider(devnet.rpc, undefined, { cacheTimeout: -1 });
  const second = new Wallet(devnet.accounts[2].privateKey, fresh);
  const to = stranger();
  const first = await second.sendTransaction({ to, value: 1n });
  const next = await second.sendTransaction({ to, value: 2n });
  assert.equal(next.nonce, first.nonce + 1);
  await Promise.all([first, next].map(mined));
  assert.equal(await fresh.getBalance(to), 3n);
  fresh.destroy();
});

done('ethers');
