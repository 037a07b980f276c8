import { expect, test } from "vitest";
import { force } from "../support/history.js";
import { oneMirror } from "../support/one-mirror.js";
import { listOf } from "../support/packets.js";
import { post } from "../support/served.js";

const MAIN = "refs/heads/main";
const PUSHES = 40;
const READERS = 4;

test("under constant pushes no reader gets an older list than the last 202, and none waits for a quiet moment", async () => {
  const { world, repo, url } = await oneMirror({ QUIET_PERIOD: "1h" });
  /** The commits of main that Lockstep has accepted, oldest first. */
  const accepted: string[] = [];
  const faults: string[] = [];
  let answers = 0;
  let isOver = false;

  async function read(): Promise<void> {
    const known = accepted.length;
    const { status, text } = await post(url, 2, listOf(MAIN));
    const [, tip = ""] = /([0-9a-f]{40}) refs\/heads\/main/.exec(text) ?? [];
    const at = accepted.indexOf(tip);
    // A commit that is not accepted yet was read from GitHub, and is a later one.
    if (status !== 200 || tip === "" || (at !== -1 && at < known - 1))
      faults.push(`${status} ${tip} ${at} ${known}`);
    answers += 1;
  }
  const readOn = async () => {
    while (!isOver) await read();
  };

  accepted.push((await world.standin.tips(repo)).get(MAIN)!);
  const readers = Array.from({ length: READERS }, readOn);
  for (let n = 0; n < PUSHES; n++) {
    const push = await world.standin.commit(repo, "main");
    await world.pushed(push);
    accepted.push(push.after);
  }
  isOver = true;
  await Promise.all(readers);
  expect(faults).toEqual([]);
  expect(answers).toBeGreaterThan(READERS * 2);
});

test("a ref that is held at its old tip is read from GitHub", async () => {
  const { world, repo, url } = await oneMirror({ HISTORY: "block" });
  const push = await world.standin.forcePush(repo, "main", force);
  await world.pushed(push);
  for (let n = 0; n < 2; n++) {
    const { text, headers } = await post(url, 2, listOf(MAIN));
    expect([text.includes(push.after), headers.get("x-lockstep-source")]).toEqual([true, "github"]);
  }
});

test("a push whose fetch breaks off again and again is read from GitHub", async () => {
  const { world, repo, url } = await oneMirror();
  world.standin.faults.truncate = 20;
  world.standin.faults.truncateTimes = 1_000;
  const push = await world.standin.commit(repo, "main");
  await world.pushed(push);
  const { text, headers } = await post(url, 2, listOf(MAIN));
  expect([text.includes(push.after), headers.get("x-lockstep-source")]).toEqual([true, "github"]);
});
