import fc from "fast-check";
import { expect, test } from "vitest";
import { collectText } from "../../../src/git/run/output.js";
import { toText } from "../../../src/git/run/ref-names.js";

const bytes = fc.array(fc.constantFrom(10, 0x61, 0xc3, 0xa9, 0xe9, 0), { maxLength: 40 });
const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 8 });

test.each([
  ["refs", toText],
  ["other text", (lines: Buffer) => lines.toString("utf8")],
])("property: the text is that of all bytes, wherever the chunks end: %s", (_, decode) => {
  fc.assert(
    fc.property(bytes, cuts, (all, at) => {
      const whole = Buffer.from(all);
      const ends = [0, ...at.filter((n) => n < whole.length).sort((a, b) => a - b), whole.length];
      const output = collectText(decode);
      for (const [n, end] of ends.slice(1).entries()) output.add(whole.subarray(ends[n]!, end));
      expect(output.text()).toBe(decode(whole));
    }),
  );
});
