// A second implementation of the format of package coding, written from the section "Format" of ../doc.go alone, without a
// library and without regard to speed. It derives every value of a vector file anew: rows, trees, coefficients, combinations,
// commitments, encodings and verdicts on evidence; and it changes every byte of the file's shards, which must then be refused.
//
//	node coding/checker/check.mjs [FILE]     FILE is coding/testdata/vectors.json if not given; some seconds
//
// Exit code 0: all is as the file says; 1: it is not, and the differences are printed.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { check } from "./vectors.mjs";

const name = process.argv[2] ?? fileURLToPath(new URL("../testdata/vectors.json", import.meta.url));
const file = JSON.parse(readFileSync(name, "utf8"));
const { differences, compared } = check(file);
const shown = 20;
differences.slice(0, shown).forEach((d) => console.log(d));
console.log(`${file.vectors.length} blocks, ${file.evidence.length} pieces of evidence: ${compared} values compared, ${differences.length} differ`);
process.exitCode = differences.length > 0 ? 1 : 0;
