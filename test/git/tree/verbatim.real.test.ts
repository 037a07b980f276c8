import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { unquoted } from "../../../src/git/run/path-bytes.js";
import { exemption, isConvertedOtherwise, quotedBelow } from "../../../src/git/tree/verbatim.js";
import { bareRepository } from "../../support/git.js";

/** Names are bytes, one character each. */
const names = fc
  .string({
    unit: fc.constantFrom(..."ab*?[]!\\\"' #\t\n\r\x01\x7f\x80\xc3\xa9\xff"),
    minLength: 1,
    maxLength: 8,
  })
  .filter((name) => name !== "\\");

test("a line of attributes fits the very path that git printed, and no other", () => {
  const { dir } = bareRepository();
  const git = (args: string[], input: string) =>
    execFileSync("git", args, {
      input: Buffer.from(input, "latin1"),
      encoding: "latin1",
      env: { ...process.env, GIT_DIR: dir },
    });
  const empty = git(["hash-object", "-w", "--stdin"], "").trim();
  fc.assert(
    fc.property(fc.uniqueArray(names, { minLength: 2, maxLength: 12 }), ([one, ...others]) => {
      const paths = [one!, ...others].map((name) => `d/${name}`);
      const info = paths.map((path) => `100644 ${empty}\t${path}\0`).join("");
      git(["read-tree", "--empty"], "");
      git(["update-index", "-z", "--index-info"], info);
      const printed = git(["ls-files"], "").split("\n").filter(Boolean);
      const raw = git(["ls-files", "-z"], "").split("\0").filter(Boolean);
      expect(printed.map(unquoted)).toEqual(raw);
      const at = raw.indexOf(paths[0]!);
      writeFileSync(join(dir, "info", "attributes"), `* text\n${exemption(printed[at]!)}\n`, "latin1");
      const attributes = git(["check-attr", "-z", "--stdin", "text"], raw.join("\0")).split("\0");
      raw.forEach((_, n) => void expect(attributes[3 * n + 2]).toBe(n === at ? "unset" : "set"));
    }),
    { numRuns: 60 },
  );
});

test("a path below a submodule", () => {
  expect(quotedBelow('é "1"/', '"\\303\\251"')).toBe('"é \\"1\\"/\\303\\251"');
  expect(exemption(quotedBelow("é/", "a"))).toMatch(/^"\/\xc3\xa9\/a" -text/);
});

test("a path that git would leave out is refused, and reported", () => {
  const long = Array.from({ length: 10 }, () => "x".repeat(200)).join("/");
  expect(exemption(long.slice(0, 1900))).toMatch(/-text/);
  expect(() => exemption(long)).toThrow(/too long .* -text/);
});

test.each([
  [["a"], ["a"], [], false],
  [[], ["a"], ["a"], false],
  [[], ["a"], ["b"], true],
  [["a", '"\\303\\251"'], ["a"], ["é"], false],
  [["a", '"\\303\\251"'], ["a"], [], true],
])("exempt were %j, are %j, and %j are written", (from, to, changed, otherwise) => {
  expect(isConvertedOtherwise(from, to, changed)).toBe(otherwise);
});
