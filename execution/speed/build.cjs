// Compiles Token.sol to Token.hex with the bonding contract's pinned compiler (`npm ci` in execution/contracts, then `node
// build.cjs` here). `node build.cjs --check` writes nothing and fails if the result is not what is there.
const solc = require('../contracts/node_modules/solc');
const fs = require('fs');
const path = require('path');

const input = {
  language: 'Solidity',
  sources: { 'Token.sol': { content: fs.readFileSync(path.join(__dirname, 'Token.sol'), 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'prague',
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const problem of output.errors || []) console.error(problem.formattedMessage);
if ((output.errors || []).length > 0) process.exit(1);

const code = output.contracts['Token.sol'].Token.evm.deployedBytecode.object + '\n';
const file = path.join(__dirname, 'Token.hex');
if (!process.argv.includes('--check')) {
  fs.writeFileSync(file, code);
} else if (fs.readFileSync(file, 'utf8') !== code) {
  console.error('Token.hex is not what Token.sol compiles to: run `node build.cjs`');
  process.exit(1);
}
