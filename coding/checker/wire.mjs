// What goes over the wire, and the verdict on it.
import * as c from "./commit.mjs";
import { extend } from "./code.mjs";

const version = Buffer.from([1]);

export class Refused extends Error {}

function refuse(verdict) {
  throw new Refused(verdict);
}

export const encodeShard = (index, row, path) => Buffer.concat([version, c.le32(index), row, ...path]);
export const encodeOpening = (rowRoot, y) => Buffer.concat([version, rowRoot, ...y]);
export const encodeStandalone = (shard, y, yPath) => Buffer.concat([shard, y, ...yPath]);

// reader cuts bytes that begin with the version into fields, and refuses what is left over or missing.
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    if (this.take(1)[0] !== 1) refuse("malformed");
  }

  take(n) {
    if (this.bytes.length < n) refuse("malformed");
    const head = this.bytes.subarray(0, n);
    this.bytes = this.bytes.subarray(n);
    return head;
  }

  list(count, size) { return Array.from({ length: count }, () => this.take(size)); }

  shard(s, limit) {
    const shard = { index: this.take(4).readUInt32LE(0), row: this.take(s.rowSize), path: this.list(Math.log2(s.n), 32) };
    if (shard.index >= limit) refuse("malformed");
    return shard;
  }

  opening(s) { return { rowRoot: this.take(32), y: this.list(s.k, 16) }; }

  standalone(s) {
    return { ...this.shard(s, s.k), y: this.take(16), yPath: this.list(Math.log2(s.k), 32) };
  }

  end(value) {
    if (this.bytes.length > 0) refuse("malformed");
    return value;
  }
}

export function decodeShard(bytes, s) { const r = new Reader(bytes); return r.end(r.shard(s, s.n)); }
export function decodeOpening(bytes, s) { const r = new Reader(bytes); return r.end(r.opening(s)); }
export function decodeStandalone(bytes, s) { const r = new Reader(bytes); return r.end(r.standalone(s)); }

// judge says what a row is that is committed at its index: right, or a conviction of its block.
function judge(s, shard, rowRoot, want) {
  const begin = shard.index * s.rowSize;
  if (shard.index < s.k && shard.row.subarray(Math.max(0, Math.min(s.rowSize, s.length - begin))).some((b) => b !== 0)) return "bad-padding";
  const y = c.wordBytes(c.combination(shard.row, c.coefficients(s, rowRoot)));
  return y.equals(want) ? "right" : "bad-combination";
}

// checkShard is the verdict on a shard, given an opening.
export function checkShard(s, commitment, opening, shard) {
  const yRoot = c.root(c.tree(opening.y.map(c.leaf)));
  if (!c.commitment(s, opening.rowRoot, yRoot).equals(commitment)) refuse("opening");
  if (!c.rootOf(c.leaf(shard.row), shard.index, shard.path).equals(opening.rowRoot)) refuse("path");
  const all = extend(opening.y.map(c.words));
  return judge(s, shard, opening.rowRoot, c.wordBytes(all[shard.index]));
}

// checkStandalone is the verdict on a stand-alone shard.
export function checkStandalone(s, commitment, shard) {
  const rowRoot = c.rootOf(c.leaf(shard.row), shard.index, shard.path);
  const yRoot = c.rootOf(c.leaf(shard.y), shard.index, shard.yPath);
  if (!c.commitment(s, rowRoot, yRoot).equals(commitment)) refuse("path");
  return judge(s, shard, rowRoot, shard.y);
}

// checkEvidence is the verdict on what is offered as proof of bad encoding.
export function checkEvidence(s, commitment, bytes) {
  const r = new Reader(bytes);
  const kind = r.take(1)[0];
  let verdict;
  if (kind === 1) {
    const opening = r.opening(s);
    verdict = checkShard(s, commitment, opening, r.end(r.shard(s, s.n)));
  } else if (kind === 2) {
    verdict = checkStandalone(s, commitment, r.end(r.standalone(s)));
  } else {
    refuse("malformed");
  }
  return verdict === "right" ? "not-evidence" : verdict;
}

// verdict of a check, whether it was refused or not.
export function verdict(check) {
  try {
    return check();
  } catch (e) {
    if (e instanceof Refused) return e.message;
    throw e;
  }
}
