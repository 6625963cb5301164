// Compiles Bonds.sol to Bonds.json. The result depends on nothing but the source and the pinned compiler: no metadata hash,
// relative source names. `npm run build -- --check` writes nothing and fails if the result is not what is there;
// `--source FILE --out FILE` compiles another source to another place (internal/mutants does).
const solc = require('solc');
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

const argument = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const source = fs.readFileSync(argument('--source', path.join(__dirname, 'Bonds.sol')), 'utf8');
const input = {
  language: 'Solidity',
  sources: { 'Bonds.sol': { content: source } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'prague',
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['abi', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences', 'storageLayout'] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const problem of output.errors || []) console.error(problem.formattedMessage);
if ((output.errors || []).length > 0) process.exit(1);

const contract = output.contracts['Bonds.sol'].Bonds;
const code = contract.evm.deployedBytecode;
if (Object.keys(code.immutableReferences).length > 0) {
  console.error('immutables need a constructor, and a predeploy runs none');
  process.exit(1);
}
// AST ids differ with every edit and say nothing.
const layout = JSON.parse(JSON.stringify(contract.storageLayout, (key, value) => (key === 'astId' ? undefined : value)).replace(/\)\d+_storage/g, ')_storage'));
const artefact = JSON.stringify({ compiler: solc.version(), source: crypto.createHash('sha256').update(source).digest('hex'), abi: contract.abi, code: '0x' + code.object, storageLayout: layout }, null, 1) + '\n';
const file = argument('--out', path.join(__dirname, 'Bonds.json'));
if (process.argv.includes('--check')) {
  if (fs.readFileSync(file, 'utf8') !== artefact) {
    console.error('Bonds.json is not what Bonds.sol compiles to: run `npm run build`, then `go generate`');
    process.exit(1);
  }
} else {
  fs.writeFileSync(file, artefact);
}
