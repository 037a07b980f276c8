import { expect, test } from "vitest";
import type { FetchRequest } from "../../../src/serve/request/form.js";
import { readShown } from "../../../src/serve/shown.js";
import { createWantsCheck } from "../../../src/serve/wants/check.js";
import { plainGit, realGit, streamingGit } from "../../support/git.js";
import { mirrorWithSecrets, NOT_AT_GITHUB } from "../../support/served.js";

/** A check of wants that counts how often git is run. */
function counting() {
  const mirror = mirrorWithSecrets();
  const counted = { runs: 0 };
  const git = realGit();
  const streamGit = streamingGit();
  const check = createWantsCheck({
    git: (call) => {
      counted.runs += 1;
      return git(call);
    },
    streamGit: (call) => {
      counted.runs += 1;
      return streamGit(call);
    },
    github: NOT_AT_GITHUB,
    isComing: () => false,
  });
  const served = { id: 7, dir: mirror.dir };
  const wanting = (id: string): FetchRequest =>
    ({
      ...{ command: "fetch", version: 2, wants: [id], shallows: [], haves: [], not: [] },
      options: new Set(),
    }) as unknown as FetchRequest;
  return {
    ...mirror,
    shown: () => readShown(streamGit, served),
    async ask(shown: Awaited<ReturnType<typeof readShown>>, id: string) {
      counted.runs = 0;
      const { kind } = await check({ mirror: served, shown, reader: "r", look: (act) => act() }, wanting(id));
      return { kind, runs: counted.runs };
    },
  };
}

test("git looks once for a commit behind a tip, until the refs have changed", async () => {
  const { dir, shown, ask } = counting();
  const behind = plainGit(dir, "rev-parse", "main~1");
  const first = await shown();
  expect(await ask(first, behind)).toEqual({ kind: "allowed", runs: 2 });
  expect(await ask(first, behind)).toEqual({ kind: "allowed", runs: 0 });
  plainGit(dir, "update-ref", "refs/heads/main", "main~3");
  const { kind, runs } = await ask(await shown(), behind);
  expect([kind, runs > 0]).toEqual(["refused", true]);
});

test("a hidden commit is refused each time", async () => {
  const { shown, ask, hidden } = counting();
  const refs = await shown();
  for (const _ of [1, 2]) expect((await ask(refs, hidden.commit)).kind).toBe("refused");
});
