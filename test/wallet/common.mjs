// What both wallet tests share: where the node is, the compiled token, named steps.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The line `bedrock devnet --json` printed: {rpc, ws, chainId, accounts: [{address, privateKey}]}. */
export const devnet = JSON.parse(process.env.BEDROCK_DEVNET);

/** Compiles erc20.sol with the pinned compiler; it needs no network. */
export function compileToken() {
  const solc = createRequire(import.meta.url)('solc');
  const output = JSON.parse(solc.compile(JSON.stringify({
    language: 'Solidity',
    sources: { 'erc20.sol': { content: readFileSync(join(here, 'erc20.sol'), 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'prague',
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  })));
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'));
  const token = output.contracts['erc20.sol'].Token;
  return { abi: token.abi, bytecode: '0x' + token.evm.bytecode.object };
}

/** Runs a named step; a failure ends the test with that name. */
export async function step(name, run) {
  const start = performance.now();
  try {
    const result = await run();
    console.log(`ok    ${name} (${Math.round(performance.now() - start)} ms)`);
    return result;
  } catch (error) {
    console.error(`FAIL  ${name}: ${error.stack ?? error}`);
    process.exit(1);
  }
}

/** Rejects if the promise takes longer than the given milliseconds. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
