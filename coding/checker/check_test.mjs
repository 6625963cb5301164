// Shows that the checker finds what is wrong: any value of the vector file, changed in one place, is told.
//
//	node --test coding/checker/check_test.mjs
import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert";
import { check } from "./vectors.mjs";

const whole = JSON.parse(readFileSync(new URL("../testdata/vectors.json", import.meta.url), "utf8"));

// change one value: a digit of a number or of a hexadecimal string, the first letter of a word.
function changed(value) {
  if (typeof value === "number") return value + 1;
  if (/^[0-9a-f]+$/.test(value)) return (value[0] === "0" ? "1" : "0") + value.slice(1);
  return "?" + value.slice(1);
}

// places lists every value in an object, as functions that set it.
function* places(object, name) {
  for (const [key, value] of Object.entries(object)) {
    if (typeof value === "object") yield* places(value, `${name}.${key}`);
    else yield { name: `${name}.${key}`, value, set: (v) => { object[key] = v; } };
  }
}

function eachChangeIsFound(file, skip) {
  assert.deepEqual(check(file).differences, []);
  let count = 0;
  for (const { name, value, set } of places(file, "")) {
    if (skip.test(name)) continue;
    set(changed(value));
    let found;
    try {
      found = check(file).differences.length > 0;
    } catch {
      found = true; // a length without a shape, an opening cut short
    }
    assert.ok(found, `${name} may be anything`);
    set(value);
    count++;
  }
  return count;
}

const ofLength = (length) => structuredClone(whole.vectors.find((v) => v.length === length));

test("a change of any value of a block is found", () => {
  assert.ok(eachChangeIsFound({ vectors: [ofLength(4097)], evidence: [] }, /nothing is left out/) > 18);
  assert.ok(eachChangeIsFound({ vectors: [ofLength(0)], evidence: [] }, /seed/) > 7); // no data, no seed of them
});

test("a change of any verdict is found", () => {
  assert.ok(eachChangeIsFound({ vectors: [], evidence: structuredClone(whole.evidence) }, /name|length|commitment|evidence$/) > 15);
});

test("a change in a list of a whole block is found", () => {
  const vector = ofLength(1);
  for (const [list, values] of Object.entries(vector.whole)) {
    if (!Array.isArray(values)) continue;
    const last = values.length - 1;
    const kept = values[last];
    values[last] = changed(kept);
    assert.ok(check({ vectors: [vector], evidence: [] }).differences.length > 0, list);
    values[last] = kept;
  }
});
