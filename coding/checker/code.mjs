// Shape of a block and the Reed-Solomon code, by Lagrange's formula: the dumb way.
import { addProduct, divide, multiply } from "./field.mjs";

// shape of a block of length bytes.
export function shape(length) {
  if (length === 0) return { k: 0, n: 0, rowSize: 0, length };
  let k = 16;
  while (k < Math.sqrt(length) / 4) k *= 2;
  const rowSize = 64 * Math.ceil(length / (64 * k));
  if (k > 4096 || rowSize > 65536) throw new Error(`no shape for ${length} bytes`);
  return { k, n: 4 * k, rowSize, length };
}

// matrix[j][i] is what data row i adds to parity row j.
//
// The data are the values of a polynomial at the points 4K .. 5K-1; it has degree < 4K and is zero at 5K .. 8K-1. Parity j is
// its value at the point j. A point is the field element that its number names as a symbol.
const matrices = new Map();

function matrix(k) {
  if (!matrices.has(k)) matrices.set(k, makeMatrix(k));
  return matrices.get(k);
}

function makeMatrix(k) {
  const given = Array.from({ length: 4 * k }, (_, i) => 4 * k + i);
  const product = (x) => given.reduce((p, point) => (point === x ? p : multiply(p, x ^ point)), 1);
  const denominators = given.slice(0, k).map(product);
  return Array.from({ length: 3 * k }, (_, j) => {
    const numerator = product(j);
    return denominators.map((d, i) => divide(numerator, multiply(j ^ (4 * k + i), d)));
  });
}

// extend returns the K given columns of symbols and the 3K that the code adds to them.
export function extend(data) {
  const parity = matrix(data.length).map((factors) => {
    const sum = new Uint16Array(data[0].length);
    factors.forEach((s, i) => addProduct(sum, s, data[i]));
    return sum;
  });
  return [...data, ...parity];
}
