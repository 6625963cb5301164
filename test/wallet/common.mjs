// What the wallet tests share: where the node is, contracts compiled, named steps.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The line `bedrock devnet --json` printed: {rpc, ws, chainId, accounts: [{address, privateKey}]}. */
export const devnet = JSON.parse(process.env.BEDROCK_DEVNET);

/** Compiles a source of this folder with the pinned compiler; it needs no network. Returns {name: {abi, bytecode}}. */
export function compile(file) {
  const solc = createRequire(import.meta.url)('solc');
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: readFileSync(join(here, file), 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'prague',
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { [file]: { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const imported = (path) => ({ contents: readFileSync(join(here, 'node_modules', path), 'utf8') });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: imported }));
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'));
  return Object.fromEntries(Object.entries(output.contracts[file]).map(([name, contract]) =>
    [name, { abi: contract.abi, bytecode: '0x' + contract.evm.bytecode.object }]));
}

let passed = 0;

/** Runs a named step; a failure ends the test with that name. */
export async function step(name, run) {
  const start = performance.now();
  try {
    const result = await run();
    passed++;
    console.log(`ok    ${name} (${Math.round(performance.now() - start)} ms)`);
    return result;
  } catch (error) {
    console.error(`FAIL  ${name}: ${error.stack ?? error}`);
    process.exit(1);
  }
}

/** Ends the script; its last line says how many steps passed, a failed one has ended it before. */
export function done(name) {
  console.log(`${name}: ${passed}/${passed} steps`);
  process.exit(0);
}

/** Rejects if the promise takes longer than the given milliseconds. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
