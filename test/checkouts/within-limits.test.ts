import { once } from "node:events";
import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { withinLimits } from "../../src/checkouts/within-limits.js";

const never = new AbortController().signal;
const forever = async (signal: AbortSignal) => {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
};

type State = "room" | "low" | "full";

/** A disk that is in the first state when the publish begins, and then in the second one. */
function turning(first: State, then: State) {
  let state = first;
  const refuseIn = (states: readonly State[], code: "disk_low" | "disk_full") => () => {
    if (states.includes(state)) throw new RefreshError(code, "too little free");
  };
  return {
    state() {
      const low = state !== "room";
      state = then;
      return { freeBytes: 2 ** 40, totalBytes: 2 ** 41, low, full: null, hasReserve: true };
    },
    requireRoom: refuseIn(["full"], "disk_full"),
    requireSpace: refuseIn(["low", "full"], "disk_low"),
  };
}

test("a publish that takes too long is ended, and says which budget that is", async () => {
  const limits = { budget: { timeMs: 20 }, disk: turning("room", "room") };
  await expect(withinLimits(limits, never, forever)).rejects.toMatchObject({
    code: "tree_too_large",
    message:
      "the tree took longer than 20ms to publish, its submodules included; CHECKOUT_TIMEOUT sets this budget",
  });
});

test.each([
  ["runs low", "room", "low", "disk_low"],
  ["falls below the floor", "room", "full", "disk_full"],
  ["falls below the floor, though it was low before,", "low", "full", "disk_full"],
] as const)("a disk that %s ends the publish", async (_, first, then, code) => {
  const limits = { budget: { timeMs: 60_000 }, disk: turning(first, then) };
  await expect(withinLimits(limits, never, forever)).rejects.toMatchObject({ code });
});

test("what the publish returns or throws is passed on, and so is the caller's own end", async () => {
  const limits = { budget: { timeMs: 60_000 }, disk: turning("low", "low") };
  expect(await withinLimits(limits, never, async () => 1)).toBe(1);
  const failing = async () => {
    throw new RefreshError("git", "no");
  };
  await expect(withinLimits(limits, never, failing)).rejects.toMatchObject({ code: "git" });
  const ended = AbortSignal.abort(new RefreshError("cancelled", "stop"));
  await expect(withinLimits(limits, ended, forever)).rejects.not.toMatchObject({ code: "tree_too_large" });
});
