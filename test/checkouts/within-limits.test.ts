import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { withinLimits } from "../../src/checkouts/within-limits.js";

const ROOM = { freeBytes: 2 ** 40, low: false, full: null, freeFiles: 1_000_000 } as const;
const never = new AbortController().signal;
const forever = (signal: AbortSignal) => sleep(60_000, undefined, { signal });

/** A disk that is in the first state once, and then in the second one. */
function turning(first: object, then: object) {
  let looks = 0;
  return {
    state: () => ({ ...ROOM, ...(looks++ === 0 ? first : then) }),
    requireSpace() {
      throw new RefreshError("disk_low", "too little free");
    },
  };
}

test("a publish that takes too long is ended, and says which budget that is", async () => {
  const limits = { budget: { timeMs: 20 }, disk: turning({}, {}) };
  await expect(withinLimits(limits, never, forever)).rejects.toMatchObject({
    code: "tree_too_large",
    message:
      "the tree took longer than 20ms to publish, its submodules included; CHECKOUT_TIMEOUT sets this budget",
  });
});

test.each([
  ["space", {}, { low: true }],
  ["the last bytes, though it was low before", { low: true }, { low: true, full: "space" }],
  ["files", {}, { freeFiles: 9_999 }],
])("a disk that runs out of %s ends the publish", async (_, first, then) => {
  const limits = { budget: { timeMs: 60_000 }, disk: turning(first, then) };
  await expect(withinLimits(limits, never, forever)).rejects.toMatchObject({ code: "disk_low" });
});

test("what the publish returns or throws is passed on, and so is the caller's own end", async () => {
  const limits = { budget: { timeMs: 60_000 }, disk: turning({ low: true }, { low: true }) };
  expect(await withinLimits(limits, never, async () => 1)).toBe(1);
  const failing = async () => {
    throw new RefreshError("git", "no");
  };
  await expect(withinLimits(limits, never, failing)).rejects.toMatchObject({ code: "git" });
  const ended = AbortSignal.abort(new RefreshError("cancelled", "stop"));
  await expect(withinLimits(limits, ended, forever)).rejects.not.toMatchObject({ code: "tree_too_large" });
});
