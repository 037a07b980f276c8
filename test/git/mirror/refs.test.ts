import fc from "fast-check";
import { expect, test } from "vitest";
import { clash, indexClashes } from "../../../src/git/mirror/refs.js";

const part = fc.constantFrom("a", "b", "ab", "a-b");
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

test("property: the index finds a name that clashes exactly where there is one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(name, { maxLength: 8 }), name, async (names, ref) => {
      const found = (await indexClashes(names))(ref);
      if (found === null) expect(names.some((other) => clash(ref, other))).toBe(false);
      else {
        expect(names).toContain(found);
        expect(clash(ref, found)).toBe(true);
      }
    }),
  );
});
