import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { realGit } from "../../support/git.js";

/** The time is longer than any wait for a git that has ended. */
const OVER_MS = 5_000;

test("a git that has ended leaves nothing in memory", async () => {
  const children: WeakRef<ChildProcess>[] = [];
  const note = (message: unknown) =>
    void children.push(new WeakRef((message as { process: ChildProcess }).process));
  subscribe("child_process", note);
  const git = realGit();
  for (let n = 0; n < 10; n += 1) await git({ args: ["--version"], gitDir: null, timeoutMs: 600_000 });
  unsubscribe("child_process", note);
  await sleep(OVER_MS);
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  // A slot of the engine may still point at the last child.
  expect(children.filter((child) => child.deref()).length).toBeLessThanOrEqual(1);
  expect(children).toHaveLength(10);
});
