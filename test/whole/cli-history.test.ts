import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { mirrorPath } from "../../tools/mirror.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { plainGit } from "../support/git.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

test("kept, restore and allow: a forced push is undone in the mirror, and allowed after all", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const dataDir = tempDir();
  const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  const run = (...args: string[]) => cli({ API_TOKEN, LOCKSTEP_URL: lockstep.url }, ...args);
  const main = () => plainGit(mirrorPath(dataDir, "acme", "app"), "rev-parse", "refs/heads/main").trim();

  const old = main();
  const forced = await standin.forcePush(repo, "main", { orphan: true });
  expect(await run("refresh", "acme/app")).toMatchObject({ code: 0 });
  expect(main()).toBe(forced.after);
  const { kept } = JSON.parse((await run("--json", "kept", "acme/app")).out);
  expect(kept).toMatchObject([{ ref: "refs/heads/main", sha: old }]);
  expect((await run("kept", "acme/app")).out).toMatch(
    new RegExp(`^REF +TIP +UNTIL +KEPT AS\nrefs/heads/main +${old.slice(0, 12)} +\\S+ +refs/lockstep/kept/`),
  );

  const restored = await run("restore", "acme/app", kept[0].name);
  expect(restored).toMatchObject({ code: 0, out: "acme/app restored\n" });
  expect(main()).toBe(old);
  expect((await run("kept", "acme/app")).out).toMatch(
    new RegExp(
      `\nHELD +TIP +GITHUB HAS +CAUSE\nrefs/heads/main +${old.slice(0, 12)} +${forced.after} +restored`,
    ),
  );
  const wrong = await run("allow", "acme/app", "refs/heads/main", "--wanted", "1".repeat(40));
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining(forced.after) });
  expect(await run("allow", "acme/app", "refs/heads/none")).toMatchObject({ code: 1 });
  const allowed = await run("allow", "acme/app", "refs/heads/main", "--wanted", forced.after);
  expect(allowed).toMatchObject({ code: 0, out: "refs/heads/main allowed\n" });
  expect(main()).toBe(forced.after);
});
