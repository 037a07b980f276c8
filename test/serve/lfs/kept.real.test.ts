import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keptObject, objectPath, oidOf, untilKept } from "../../support/kept-lfs.js";
import { lfsReader } from "../../support/lfs-client.js";
import { type ReadingWorld, readingWorld } from "../../support/reading-world.js";
import { basic } from "../../support/rights.js";

const ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
const CONTENT = "a file that git does not keep\n".repeat(10_000);

/** A Lockstep that keeps a file of acme/app. */
async function withKept() {
  const serving = await readingWorld({ LFS: "yes" });
  const { standin, app, world } = serving;
  const pointer = standin.lfs.put(CONTENT, "acme/app");
  const files = { ".gitattributes": ATTRIBUTES, "a.bin": pointer };
  await world.pushed(await standin.commit(app, "main", { files }));
  await untilKept(world, "acme/app", ({ objects }) => objects === 1);
  return { ...serving, pointer };
}

async function clone({ origin }: Pick<ReadingWorld, "origin">, token: string): Promise<string> {
  const reader = lfsReader();
  await reader.install();
  const header = `http.${origin}/.extraheader`;
  await reader.git("config", "--global", header, `AUTHORIZATION: ${basic(`x-access-token:${token}`)}`);
  await reader.git("clone", "-q", `${origin}/acme/app`, reader.dir);
  return readFileSync(join(reader.dir, "a.bin"), "utf8");
}

test("git-lfs gets what is kept, also when GitHub has lost it, and GitHub is not asked", async () => {
  const serving = await withKept();
  const { standin, pointer } = serving;
  standin.lfs.spoil(pointer, null);
  const asked = standin.lfs.asked.length;
  expect(await clone(serving, await serving.ownToken("ci"))).toBe(CONTENT);
  expect(await clone(serving, serving.githubToken(serving.app))).toBe(CONTENT);
  expect(standin.lfs.asked).toHaveLength(asked);
});

test("a kept object whose file is gone comes from GitHub, and is kept again", async () => {
  const serving = await withKept();
  const { world, app } = serving;
  rmSync(objectPath(world.dataDir, app.id, oidOf(CONTENT)));
  expect(await clone(serving, await serving.ownToken("ci"))).toBe(CONTENT);
  await untilKept(world, "acme/app", ({ objects }) => objects === 1);
  expect(keptObject(world.dataDir, app.id, CONTENT)).toBe(CONTENT);
});

test("an object is kept for readers of its repository alone", async () => {
  const serving = await withKept();
  const batch = (repository: string, token: string | null) =>
    serving.ask(`/${repository}.git/info/lfs/objects/batch`, token, {
      method: "POST",
      headers: { "content-type": "application/vnd.git-lfs+json" },
      body: JSON.stringify({
        operation: "download",
        objects: [{ oid: oidOf(CONTENT), size: CONTENT.length }],
      }),
    });
  const stranger = serving.githubToken(serving.other);
  expect((await batch("acme/app", stranger)).status).toBe(404);
  expect((await batch("acme/app", null)).status).toBe(401);
  const elsewhere = (await (await batch("globex/site", stranger)).json()) as { objects: object[] };
  expect(elsewhere.objects).toMatchObject([{ error: { code: 404 } }]);
  const own = await batch("acme/app", await serving.ownToken("ci"));
  expect(own.headers.get("x-lockstep-source")).toBe("mirror");
  const { objects } = (await own.json()) as { objects: { actions: { download: { href: string } } }[] };
  const { href } = objects[0]!.actions.download;
  expect((await serving.ask(href, stranger)).status).toBe(404);
  const served = await serving.ask(href, await serving.ownToken("ci2"));
  expect([served.status, await served.text()]).toEqual([200, CONTENT]);
});
