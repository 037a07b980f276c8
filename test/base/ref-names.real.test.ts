import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { isRefName } from "../../src/base/names.js";

it("ref names are those of git", () => {
  const part = fc.string({ unit: fc.constantFrom(..."ab/.@{}lock~^:?*[\\ -\tä"), maxLength: 7 });
  const random = part.map((text) => `refs/${text}`);
  const nasty = fc.constantFrom("refs/a.lock", "refs/a.lock/b", "refs/@", "refs/@{", "refs/a//b", "refs/.a");
  fc.assert(
    fc.property(fc.oneof(random, nasty), (text) => {
      const { status } = spawnSync("git", ["check-ref-format", text]);
      expect(isRefName(text)).toBe(status === 0);
    }),
    { numRuns: 300 },
  );
});
