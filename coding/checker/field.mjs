// The field GF(2^16): polynomials over GF(2) modulo x^16 + x^5 + x^3 + x^2 + 1, named by symbols. Bit b of a symbol stands
// for the b-th element of a Cantor basis, so the sum of two symbols is their XOR.

const modulus = 0x1002d;
const basis = [
  0x0001, 0xacca, 0x3c0e, 0x163e, 0xc582, 0xed2e, 0x914c, 0x4012, 0x6c98, 0x10d8, 0x6a72, 0xb900, 0xfdb8, 0xfb34, 0xff38, 0x991e,
];
const order = 0xffff; // of the group of elements other than 0

// log and exp are those of symbols, to the base x: exp[log[a] + log[b]] is the product of a and b.
const log = new Int32Array(1 << 16);
const exp = new Uint16Array(2 * order);

function makeTables() {
  const symbolOf = new Int32Array(1 << 16).fill(-1);
  for (let symbol = 0; symbol < 1 << 16; symbol++) {
    let element = 0;
    basis.forEach((b, bit) => { if (symbol & (1 << bit)) element ^= b; });
    if (symbolOf[element] !== -1) throw new Error("the basis is not one");
    symbolOf[element] = symbol;
  }
  for (let i = 0, element = 1; i < order; i++) {
    if (i > 0 && element === 1) throw new Error("x does not generate the field");
    exp[i] = exp[i + order] = symbolOf[element];
    log[symbolOf[element]] = i;
    element <<= 1;
    if (element & 0x10000) element ^= modulus;
  }
}
makeTables();

export function multiply(a, b) {
  return a === 0 || b === 0 ? 0 : exp[log[a] + log[b]];
}

export function divide(a, b) {
  if (b === 0) throw new Error("division by zero");
  return a === 0 ? 0 : exp[log[a] + order - log[b]];
}

// addProduct adds s times each symbol of from to those of to.
export function addProduct(to, s, from) {
  if (s === 0) return;
  const logS = log[s];
  for (let i = 0; i < from.length; i++) {
    const v = from[i];
    if (v !== 0) to[i] ^= exp[log[v] + logS];
  }
}

// symbols of a row: in each chunk of 64 bytes, 32 low bytes and then 32 high bytes.
export function symbols(row) {
  const out = new Uint16Array(row.length / 2);
  for (let j = 0; j < out.length; j++) {
    const at = 64 * (j >> 5) + (j & 31);
    out[j] = row[at] | (row[at + 32] << 8);
  }
  return out;
}

// row is the inverse of symbols.
export function row(symbols) {
  const out = Buffer.alloc(2 * symbols.length);
  symbols.forEach((s, j) => {
    const at = 64 * (j >> 5) + (j & 31);
    out[at] = s & 0xff;
    out[at + 32] = s >> 8;
  });
  return out;
}
