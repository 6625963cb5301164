// Trees, coefficients, combinations and the commitment.
import { createHash } from "node:crypto";
import { addProduct, symbols } from "./field.mjs";

const version = 1;

export function sha256(...parts) {
  const h = createHash("sha256");
  parts.forEach((p) => h.update(p));
  return h.digest();
}

export const le32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
export const le64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };

export const leaf = (bytes) => sha256("\0", bytes);
const node = (left, right) => sha256("\x01", left, right);

// levels of an RFC 6962 tree over these leaves, a power of two of them, from the leaves up to the root.
export function tree(leaves) {
  const levels = [leaves];
  while (levels.at(-1).length > 1) {
    const below = levels.at(-1);
    levels.push(Array.from({ length: below.length / 2 }, (_, i) => node(below[2 * i], below[2 * i + 1])));
  }
  return levels;
}

export const root = (levels) => (levels[0].length === 0 ? Buffer.alloc(32) : levels.at(-1)[0]);

// path lists the siblings of a leaf from the bottom up.
export const path = (levels, index) => levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1]);

// rootOf is the root to which a path leads.
export function rootOf(leafHash, index, path) {
  return path.reduce((hash, sibling, depth) => ((index >> depth) & 1 ? node(sibling, hash) : node(hash, sibling)), leafHash);
}

const shapeBytes = (s) => Buffer.concat([le32(version), le32(s.k), le32(s.n), le32(s.rowSize), le64(s.length)]);

export const coefficientSeed = (s, rowRoot) => sha256("bedrock/rlc/1", shapeBytes(s), rowRoot);

export const commitment = (s, rowRoot, yRoot) => sha256("bedrock/commitment/1", shapeBytes(s), rowRoot, yRoot);

// words of 16 bytes: 8 little-endian symbols.
export const words = (bytes) => Uint16Array.from({ length: 8 }, (_, w) => bytes.readUInt16LE(2 * w));

export function wordBytes(words) {
  const b = Buffer.alloc(16);
  words.forEach((word, w) => b.writeUInt16LE(word, 2 * w));
  return b;
}

// coefficients of the symbols of a row, 8 words each.
export function coefficients(s, rowRoot) {
  const seed = coefficientSeed(s, rowRoot);
  return Array.from({ length: s.rowSize / 2 }, (_, j) => {
    const digest = sha256(seed, le32(j >> 1));
    return words(j & 1 ? digest.subarray(16) : digest.subarray(0, 16));
  });
}

// combination of a row: 8 words.
export function combination(row, coefficients) {
  const y = new Uint16Array(8);
  symbols(row).forEach((symbol, j) => addProduct(y, symbol, coefficients[j]));
  return y;
}
