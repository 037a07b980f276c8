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
      expect(output.end()).toBe(decode(whole));
    }),
  );
});

test("property: each line is taken once, whole, whether the last one has an end or not", () => {
  fc.assert(
    fc.property(bytes, cuts, (all, at) => {
      const whole = Buffer.from(all);
      const ends = [0, ...at.filter((n) => n < whole.length).sort((a, b) => a - b), whole.length];
      const lines: string[] = [];
      const output = collectText(toText, (line) => lines.push(line));
      for (const [n, end] of ends.slice(1).entries()) output.add(whole.subarray(ends[n]!, end));
      expect(output.end()).toBe("");
      const expected = toText(whole).split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(lines).toEqual(expected);
    }),
  );
});
