import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLayout, linkTarget, writeMarker } from "../../src/git/disk/layout.js";
import { swapIn } from "../../src/git/disk/swap.js";
import { createUpkeep } from "../../src/git/mirror/upkeep.js";
import { commits, PATH, plainGit, realGit } from "../support/git.js";
import { largeMirror } from "../support/large-mirror.js";
import { never } from "../support/mirror.js";
import { fetchOf } from "../support/packets.js";
import { serveMirror } from "../support/served.js";
import { tempDir } from "../support/temp.js";

const ID = 7;

/** A mirror of 24 MiB where Lockstep has its mirrors, with objects that no ref leads to, and a reader at its first byte. */
async function beingRead() {
  const layout = createLayout(tempDir());
  const place = layout.mirror(ID);
  const fresh = join(layout.repository(ID), "clone-1");
  mkdirSync(layout.repository(ID), { recursive: true });
  const { main } = largeMirror(fresh);
  commits(fresh, "side", 50);
  plainGit(fresh, "update-ref", "-d", "refs/heads/side");
  const last = commits(fresh, "more", 20);
  await writeMarker(fresh, ID, { depth: null, filter: null });
  await swapIn(layout, fresh, place);
  const dir = linkTarget(place)!;
  const { url } = await serveMirror(dir);
  const asking = request(`${url}/git-upload-pack`, {
    method: "POST",
    headers: { "content-type": "application/x-git-upload-pack-request", "git-protocol": "version=2" },
  });
  asking.end(fetchOf(`want ${last}`, `want ${main}`, "ofs-delta"));
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  return { layout, place, dir, answer, commits: [last, main] };
}

/** @returns the pack in an answer of version 2, without git's messages: gitprotocol-pack(5), side-band-64k */
function packIn(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString("latin1", at, at + 4), 16);
    if (bytes[at + 4] === 1) parts.push(bytes.subarray(at + 5, at + length));
    at += Math.max(length, 4);
  }
  return Buffer.concat(parts);
}

async function isWhole(answer: IncomingMessage, wanted: string[]): Promise<boolean> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const dir = join(tempDir(), "reader.git");
  plainGit(dir, "init", "-q", "--bare", dir);
  const env = { PATH, GIT_DIR: dir };
  execFileSync("git", ["index-pack", "--stdin", "--strict"], { input: packIn(Buffer.concat(chunks)), env });
  // Everything that the commits lead to is there.
  plainGit(dir, "rev-list", "--objects", ...wanted);
  return true;
}

const upkeepOf = (layout: ReturnType<typeof createLayout>) =>
  createUpkeep({ git: realGit(), layout, timeoutMs: 60_000 });

test.each<[string, (read: Awaited<ReturnType<typeof beingRead>>) => Promise<void> | void]>([
  [
    "replaced",
    async ({ layout, place, dir }) => {
      const next = join(layout.repository(ID), "clone-2");
      cpSync(dir, next, { recursive: true });
      await swapIn(layout, next, place);
      expect(linkTarget(place)).not.toBe(dir);
    },
  ],
  ["repacked", ({ layout }) => upkeepOf(layout).tidy(ID, never)],
  [
    "pruned",
    async ({ layout, dir }) => {
      await upkeepOf(layout).prune(ID, 0, never);
      expect(readdirSync(join(dir, "objects")).filter((name) => /^[\da-f]{2}$/.test(name))).toEqual([]);
    },
  ],
  [
    "changed by a push",
    ({ dir }) => {
      commits(dir, "later", 5);
      plainGit(dir, "update-ref", "-d", "refs/heads/more");
      writeFileSync(join(dir, "HEAD"), "ref: refs/heads/other\n");
    },
  ],
])("a mirror that is %s while it is read is served to its end", async (_, change) => {
  const read = await beingRead();
  await change(read);
  expect(await isWhole(read.answer, read.commits)).toBe(true);
});
