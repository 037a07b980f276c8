import fc from "fast-check";
import { expect, test } from "vitest";
import { isRefText } from "../../../src/base/names.js";
import { toBytes, toText } from "../../../src/git/run/ref-names.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");

test("a byte that is not UTF-8 is written as git quotes it", () => {
  expect(toText(latin1("refs/heads/caf\xe9"))).toBe("refs/heads/caf\\351");
  expect(toText(Buffer.from("refs/heads/café"))).toBe("refs/heads/café");
  expect(toText(latin1("\xc3\xa9\xe9\xc3"))).toBe("é\\351\\303");
});

test("only whole characters of UTF-8 count: no surrogate, nothing overlong, nothing beyond Unicode", () => {
  expect(toText(latin1("\xed\xa0\x80"))).toBe("\\355\\240\\200");
  expect(toText(latin1("\xc0\xaf"))).toBe("\\300\\257");
  expect(toText(latin1("\xf4\x90\x80\x80"))).toBe("\\364\\220\\200\\200");
  expect(toText(latin1("\xf0\x9f\x8c\xb1"))).toBe("🌱");
});

test("names that differ in one byte stay apart, and each is its bytes again", () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x5c)));
  fc.assert(
    fc.property(name, (bytes) => {
      expect(toBytes(toText(bytes))).toEqual(bytes);
    }),
  );
});

test("a line of UTF-8 stays as it is beside one that is not", () => {
  expect(toText(Buffer.concat([Buffer.from("é\n"), latin1("\xe9\n"), Buffer.from("é")]))).toBe("é\n\\351\né");
});

test("an escaped name is a ref's name, any other backslash is not", () => {
  expect(isRefText("refs/heads/caf\\351")).toBe(true);
  for (const ref of ["refs/heads/a\\b", "refs/heads/caf\\101", "refs/heads/caf\\35", "refs/heads/.\\351\\"])
    expect(isRefText(ref)).toBe(false);
});
