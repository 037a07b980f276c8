import { expect, it } from "vitest";
import { createFormat, writePretty } from "../../src/log/pretty.js";

const format = createFormat();
const formatted = (entry: object) =>
  format(
    JSON.stringify({ level: 30, time: 1_795_769_057_075, pid: 1, hostname: "vm", name: "probot", ...entry }),
  );

it("writes the time, the level, the message, then each field", () => {
  const line = formatted({
    event: "refreshed",
    refs: ["refs/heads/main@1"],
    retryInMs: null,
    msg: "refreshed",
  });
  expect(line).toBe(
    "[2026-11-27T08:44:17.075Z] INFO: refreshed event=refreshed refs=refs/heads/main@1 retryInMs=null",
  );
});

it("writes one line, whatever is logged, without control characters", () => {
  const err = { type: "Error", message: "two\nlines", stack: "Error: two\nlines\n    at a (b.js:1)" };
  const line = formatted({ level: 50, err, hint: "\u001b[31mred\r\n", msg: "failed\nat once\u2028\u0085" });
  expect(line).not.toMatch(/[\p{Cc}\u2028]/u);
  expect(line).toContain("ERROR: failed\\nat once\\u2028\\u0085 ");
  expect(line).toContain('err="Error: two | lines | at a (b.js:1)"');
});

it("leaves a logger alone that is not pino's", () => {
  const log = { info() {} };
  writePretty(log);
  expect(Reflect.ownKeys(log)).toEqual(["info"]);
});
