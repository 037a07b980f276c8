import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLayout, linkTarget } from "../../../src/git/disk/layout.js";
import { holdVersion, swapIn } from "../../../src/git/disk/swap.js";
import { tempDir } from "../../support/temp.js";

const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

test("a replaced mirror's directory stays while somebody reads it, and is deleted within a minute after that", async () => {
  const layout = createLayout(tempDir());
  const place = layout.mirror(7);
  const swap = async (name: string) => {
    const fresh = join(layout.repository(7), name);
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, "HEAD"), "ref: refs/heads/main\n");
    await swapIn(layout, fresh, place);
    return linkTarget(place)!;
  };
  mkdirSync(layout.trash, { recursive: true });
  const old = await swap("clone-1");
  const ends = [holdVersion(old), holdVersion(old)];
  await swap("clone-2");
  ends[0]!();
  vi.advanceTimersByTime(10 * MINUTE);
  expect(existsSync(old)).toBe(true);
  ends[1]!();
  vi.advanceTimersByTime(MINUTE + 1);
  expect(existsSync(old)).toBe(false);
});
