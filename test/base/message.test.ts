import { expect, test } from "vitest";
import { asMessage } from "../../src/base/message.js";

test("what others say is one line without control characters, of a bounded length", () => {
  expect(asMessage(" a\r\nb\u001b[2J\u0000c\u2028d\u202ee ")).toBe("a b [2J c d e");
  expect(asMessage("x".repeat(10_000))).toBe(`${"x".repeat(200)}…`);
  expect(asMessage("déjà vu 日本")).toBe("déjà vu 日本");
});
