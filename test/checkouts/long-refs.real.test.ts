import { existsSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { checkoutsOf, expectTree, published, vetoing } from "../support/published.js";
import { untilState } from "../support/state.js";

/** Each character has nine bytes in a link's name. */
const SHORT = "\u672c".repeat(19);
const LONG = "\u672c".repeat(70);

test("a ref is published under its own name while a file name has room, and else under a shortened one", async () => {
  const CHECKOUTS = [SHORT, `${LONG}a`, `${LONG}b`].map((ref) => `acme/*@${ref}?filter=blob:none`).join();
  const env = { CHECKOUTS, CHECKOUT_GRACE: "0s", PRE_PUBLISH_HOOK: vetoing() };
  const { world, repo, standin, link, push } = await published(env);
  const tips = new Map<string, string>();
  for (const ref of [SHORT, `${LONG}a`, `${LONG}b`])
    tips.set(ref, await push({ [`of-${ref.at(-1)}`]: "1" }, ref));
  const links = readdirSync(link(".")).sort();
  const short = `app@${encodeURIComponent(SHORT)}`;
  const shortened = links.filter((name) => name !== short);
  expect(links).toContain(short);
  expect(shortened).toHaveLength(2);
  for (const name of shortened) expect(name).toMatch(/^app@(%[\dA-F]{2}){75,}@[\da-f]{16}$/);
  const shown = await checkoutsOf(world, repo);
  expect(shown.map(({ ref }: { ref: string }) => ref).sort()).toEqual(
    [...tips.keys()].map((ref) => `refs/heads/${ref}`).sort(),
  );
  for (const { ref, path } of shown) {
    const tip = tips.get(ref.slice("refs/heads/".length))!;
    expectTree(world, repo, path, tip);
  }
  // A refused commit leaves the published one pinned, under a name that git accepts.
  await push({ veto: "1" }, `${LONG}a`);
  const pins = () =>
    plainGit(world.mirror(repo), "for-each-ref", "--format=%(objectname)", "refs/lockstep/published");
  expect(pins()).toBe(tips.get(`${LONG}a`));
  expect(world.log.filter(({ event }) => event === "pin_not_set")).toEqual([]);

  // A longer name of the repository leaves less room.
  const name = "n".repeat(100);
  standin.renameRepository(repo, name);
  await untilState(
    world,
    `acme/${name}`,
    ({ checkouts }) =>
      checkouts?.every(({ path }: { path: string }) => basename(path).startsWith(name) && existsSync(path)),
    () => world.sweep(),
  );
  const renamed = await checkoutsOf(world, repo);
  expect(renamed).toHaveLength(3);
  for (const { path } of renamed) expect(basename(path)).toMatch(/^n{100}@(%[\dA-F]{2}){40,}@[\da-f]{16}$/);
  expect(readdirSync(link(".")).length).toBe(3);
});
