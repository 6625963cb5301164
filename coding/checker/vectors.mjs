// Holds a vector file against what this implementation makes of the same data.
import * as c from "./commit.mjs";
import * as wire from "./wire.mjs";
import { extend, shape } from "./code.mjs";
import { row, symbols } from "./field.mjs";

// check returns the differences, as "where: what", and how many values were compared.
export function check(file) {
  const differences = [];
  let compared = 0;
  const same = (where, got, want) => {
    compared++;
    const told = Buffer.isBuffer(got) ? got.toString("hex") : got;
    if (told !== want) differences.push(`${where}: have ${want}, want ${told}`);
  };
  file.vectors.forEach((v, i) => checkBlock(v, (what, got, want) => same(`vector ${i}: ${what}`, got, want)));
  file.evidence.forEach((e) => {
    const got = wire.verdict(() => wire.checkEvidence(shape(e.length), Buffer.from(e.commitment, "hex"), Buffer.from(e.evidence, "hex")));
    same(`evidence ${e.name}`, got, e.verdict);
  });
  return { differences, compared };
}

function makeData(seed, length) {
  const parts = [];
  for (let i = 0; 32 * i < length; i++) parts.push(c.sha256("bedrock/vector/data", c.le64(seed), c.le32(i)));
  return Buffer.concat(parts).subarray(0, length);
}

// encode is the whole block.
function encode(data) {
  const s = shape(data.length);
  const padded = Buffer.concat([data, Buffer.alloc(s.k * s.rowSize - data.length)]);
  const dataRows = Array.from({ length: s.k }, (_, i) => padded.subarray(i * s.rowSize, (i + 1) * s.rowSize));
  const rows = s.k === 0 ? [] : extend(dataRows.map(symbols)).map(row);
  const rowTree = c.tree(rows.map(c.leaf));
  const coefficients = c.coefficients(s, c.root(rowTree));
  const y = dataRows.map((r) => c.wordBytes(c.combination(r, coefficients)));
  const yTree = c.tree(y.map(c.leaf));
  const b = { shape: s, rows, rowTree, coefficients, y, yTree, commitment: c.commitment(s, c.root(rowTree), c.root(yTree)) };
  b.allY = s.k === 0 ? [] : extend(y.map(c.words)).map(c.wordBytes);
  b.opening = wire.encodeOpening(c.root(rowTree), y);
  b.shard = (i) => wire.encodeShard(i, rows[i], c.path(rowTree, i));
  b.standalone = (i) => wire.encodeStandalone(b.shard(i), y[i], c.path(yTree, i));
  return b;
}

function checkBlock(v, same) {
  const data = makeData(v.seed, v.length);
  const b = encode(data);
  const { k, n, rowSize } = b.shape;
  same("k", k, v.k);
  same("n", n, v.n);
  same("row_size", rowSize, v.row_size);
  same("data_sha256", c.sha256(data), v.data_sha256);
  same("row_root", c.root(b.rowTree), v.row_root);
  same("y_root", c.root(b.yTree), v.y_root);
  same("commitment", b.commitment, v.commitment);
  same("opening_sha256", c.sha256(b.opening), v.opening_sha256);
  if (k === 0) return;
  same("coefficient_seed", c.coefficientSeed(b.shape, c.root(b.rowTree)), v.coefficient_seed);
  same("coefficient_0", c.wordBytes(b.coefficients[0]), v.coefficient_0);
  same("coefficient_last", c.wordBytes(b.coefficients.at(-1)), v.coefficient_last);
  same("y_0", b.y[0], v.y_0);
  same("y_last_parity", b.allY[n - 1], v.y_last_parity);
  // the combination of a parity row is what the code makes of the combinations of the data rows
  same("y_last_parity, from its row", c.wordBytes(c.combination(b.rows[n - 1], b.coefficients)), v.y_last_parity);
  same("parity_first_sha256", c.sha256(b.rows[k]), v.parity_first_sha256);
  same("parity_middle_sha256", c.sha256(b.rows[2 * k + 1]), v.parity_middle_sha256);
  same("parity_last_sha256", c.sha256(b.rows[n - 1]), v.parity_last_sha256);
  same("shard_last_sha256", c.sha256(b.shard(n - 1)), v.shard_last_sha256);
  same("standalone_1_sha256", c.sha256(b.standalone(1)), v.standalone_1_sha256);
  if (v.whole) checkWhole(v.whole, data, b, same);
}

function checkWhole(w, data, b, same) {
  const { k, n } = b.shape;
  same("data", data, w.data);
  const list = (what, got, want) => {
    same(`number of ${what}`, got.length, want.length);
    got.forEach((value, i) => same(`${what} ${i}`, value, want[i]));
  };
  list("rows", b.rows, w.rows);
  list("coefficients", b.coefficients.map(c.wordBytes), w.coefficients);
  list("y", b.allY, w.y);
  list("leaves", b.rowTree[0], w.leaves);
  list("shards", [0, k - 1, k, n - 1].map(b.shard), w.shards);
  same("opening", b.opening, w.opening);
  list("standalone", [0, k - 1].map(b.standalone), w.standalone);
  checkTampered(w, b, same);
}

// checkTampered takes the file's own encodings: they must pass the check, and no longer once a bit of any byte is flipped.
function checkTampered(w, b, same) {
  const opening = wire.decodeOpening(Buffer.from(w.opening, "hex"), b.shape);
  checkFlips("shard", w.shards, b.shard, b, same,
    (bytes) => wire.checkShard(b.shape, b.commitment, opening, wire.decodeShard(bytes, b.shape)));
  checkFlips("standalone", w.standalone, b.standalone, b, same,
    (bytes) => wire.checkStandalone(b.shape, b.commitment, wire.decodeStandalone(bytes, b.shape)));
}

function checkFlips(kind, all, honest, b, same, look) {
  all.forEach((hex, i) => {
    const bytes = Buffer.from(hex, "hex");
    same(`check of ${kind} ${i}`, wire.verdict(() => look(bytes)), "right");
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1 << (at % 8);
      const verdict = wire.verdict(() => look(changed));
      // among rows of zeros another index can make another row of the block, with the right path
      const another = verdict === "right" && changed.equals(honest(changed.readUInt32LE(1)));
      same(`${kind} ${i} with byte ${at} changed is refused`, another || ["path", "malformed"].includes(verdict), true);
    }
  });
}
