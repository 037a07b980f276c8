import { existsSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import type { Announcement } from "../../src/base/model.js";
import type { Repo } from "../../tools/standin/index.js";
import { compare } from "../support/history.js";
import { checkoutsOf, expectTree, published } from "../support/published.js";
import { passed } from "../support/state.js";
import { filesBelow, filesOf } from "../support/trees.js";
import type { World } from "../support/world.js";

function sql(world: World, text: string): void {
  const db = new Database(join(world.dataDir, "lockstep.db"));
  db.exec(text);
  db.close();
}

function rows(world: World, query: string): Record<string, unknown>[] {
  const db = new Database(join(world.dataDir, "lockstep.db"));
  try {
    return db.prepare(query).all() as Record<string, unknown>[];
  } finally {
    db.close();
  }
}

const baseOf = (world: World, repo: Repo) => join(world.dataDir, "repos", String(repo.id), "trees", "@");

test("after the link moved and the ledger could not be written, the tree stays and is recorded later", async () => {
  const { world, repo, standin, link, push } = await published({ CHECKOUT_GRACE: "0s" });
  await push({ a: "1" });
  const fault = "BEFORE INSERT ON checkouts BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
  sql(world, `CREATE TRIGGER full ${fault}`);
  const next = await standin.commit(repo, "main", { files: { a: "2" } });
  const from = world.log.length;
  await world.pushed(next);
  await world.line(({ event }) => event === "publish_failed", from);
  expectTree(world, repo, link(), next.after);
  sql(world, "DROP TRIGGER full");
  await compare(world, repo);
  expectTree(world, repo, link(), next.after);
  expect(await checkoutsOf(world, repo)).toMatchObject([{ commit: next.after, wanted: next.after }]);
});

test("a published tree without its index stays at a start, and is replaced", async () => {
  const { world, repo, link, push } = await published();
  const sha = await push({ a: "1" });
  const tree = realpathSync(link());
  await world.stop();
  rmSync(`${tree}.index`);
  const from = world.log.length;
  await world.start(repo);
  await world.line(({ event }) => event === "published", from);
  expectTree(world, repo, link(), sha);
  expect(realpathSync(link())).not.toBe(tree);
  expect(filesBelow(tree)).toEqual(filesOf(world.mirror(repo), sha));
});

test("an edit is found and repaired although a killed git left its lock on the tree's index", async () => {
  const { world, repo, link, push } = await published();
  const sha = await push({ a: "1" });
  const tree = realpathSync(link());
  writeFileSync(`${tree}.index.lock`, "");
  writeFileSync(join(tree, "a"), "edited");
  const from = world.log.length;
  const replaced = world.line(({ event }) => event === "published", from);
  // Each pass checks one of the two trees.
  for (let n = 0; n < 2; n++) await passed(world);
  await replaced;
  expectTree(world, repo, link(), sha);
});

test("a check that cannot run after the machine's start removes nothing", async () => {
  const { world, repo, link, push } = await published();
  const sha = await push({ a: "1" });
  const tree = realpathSync(link());
  await world.stop();
  sql(world, "UPDATE trees SET boot = 'other'");
  const objects = join(world.mirror(repo), "objects");
  renameSync(objects, `${objects}.away`);
  const from = world.log.length;
  await world.start();
  await world.line(({ event }) => event === "tree_check_failed", from);
  expect(existsSync(join(baseOf(world, repo), `${tree.split("/").at(-1)}.index`))).toBe(true);
  await world.stop();
  if (!existsSync(objects)) renameSync(`${objects}.away`, objects);
  await world.start(repo);
  expectTree(world, repo, link(), sha);
});

test("a power cut that leaves the new link and takes what the ledger says of its tree claims nothing false", async () => {
  const { world, repo, link, push } = await published({ CHECKOUT_GRACE: "0s" });
  const old = await push({ a: "1" });
  const former = await push({ a: "2" });
  const saved = rows(world, "SELECT n, sha, tip FROM checkouts");
  await push({ a: "3" });
  const tree = realpathSync(link());
  const n = Number(tree.split("/").at(-1));
  await world.stop();
  // The ledger is as it was before the last publish.
  expect(saved).toMatchObject([{ sha: former, tip: former }]);
  expect(saved[0]!.n).not.toBe(n);
  sql(
    world,
    `UPDATE checkouts SET n = ${saved[0]!.n}, sha = '${former}', tip = '${former}', wanted = '${former}';
     UPDATE trees SET boot = 'other';
     UPDATE trees SET sha = '${old}', content = '${old}' WHERE n = ${n}`,
  );
  // What was written to the tree has partly reached the disk.
  writeFileSync(join(tree, "a"), "");
  const from = world.log.length;
  const [{ last }] = rows(world, "SELECT max(id) AS last FROM events") as [{ last: number }];
  await world.start(repo);
  await world.line(({ event }) => event === "published", from);
  const now = world.tips(repo)["refs/heads/main"]!;
  expectTree(world, repo, link(), now);
  const told = () =>
    rows(world, `SELECT body FROM events WHERE id > ${last}`).flatMap(
      ({ body }) => (JSON.parse(String(body)) as Announcement).checkouts,
    );
  await expect.poll(told).toMatchObject([{ before: former, after: now }]);
});
