import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RefreshError } from "../../../src/base/errors.js";
import { createLayout } from "../../../src/git/disk/layout.js";
import { fetchDirectly } from "../../../src/git/mirror/direct-fetch.js";
import { createMemory, type MirrorContext } from "../../../src/git/mirror/memory.js";
import type { Lease } from "../../../src/git/transport/lease.js";
import { plainGit, realGit } from "../../support/git.js";
import { never } from "../../support/mirror.js";
import { commitTo, file, newObjects, packFor, packOf } from "../../support/packs.js";
import { tempDir } from "../../support/temp.js";

const ID = 7;

/** A mirror with one commit, and a second commit that GitHub has. */
function twoCommits() {
  const dataDir = tempDir();
  const layout = createLayout(dataDir);
  const mirror = layout.mirror(ID);
  const upstream = join(tempDir(), "upstream.git");
  plainGit(upstream, "init", "-q", "--bare", "--initial-branch=main", upstream);
  const base = commitTo(upstream, "main", file("dir/a", "1\n"), "");
  plainGit(mirror, "clone", "-q", "--mirror", `file://${upstream}`, mirror);
  const want = commitTo(upstream, "main", file("dir/a", "2\n"));
  const context = {
    git: realGit(),
    layout,
    fetchTimeoutMs: 60_000,
    cloneTimeoutMs: 60_000,
    directFetch: true,
    memory: createMemory(),
  } as unknown as MirrorContext;
  const loose = () => readdirSync(join(mirror, "objects")).filter((name) => /^[0-9a-f]{2}$/.test(name));
  return { upstream, mirror, base, want, context, loose };
}

const answering = (pack: () => Promise<Buffer | null>) =>
  ({ pack, host: "github.com", stats: { requests: 1, bytes: 0 } }) as unknown as Lease;
const runOf = (lease: Lease, want: string, base: string) => ({
  lease,
  wants: [want],
  bases: [base],
  run: { signal: never },
});

test("a push is there, synced and readable, when the call returns", async () => {
  const { upstream, mirror, base, want, context } = twoCommits();
  const lease = answering(async () => packFor(upstream, want, base));
  expect(await fetchDirectly(context, ID, runOf(lease, want, base))).toBe(true);
  plainGit(mirror, "update-ref", "refs/heads/main", want);
  expect(plainGit(mirror, "fsck", "--strict")).toBe("");
});

test.each([
  ["commit", "main"],
  ["tree", "main^{tree}"],
  ["tree below", "main:dir"],
  ["file", "main:dir/a"],
])("an answer that lacks an object is not accepted: the %s", async (_, name) => {
  const { upstream, base, want, context } = twoCommits();
  const missing = plainGit(upstream, "rev-parse", name);
  const names = newObjects(upstream, want, base).filter((object) => object !== missing);
  const lease = answering(async () => packOf(upstream, names));
  expect(await fetchDirectly(context, ID, runOf(lease, want, base))).toBe(false);
});

test("an object that nothing of the push needs is not stored", async () => {
  const { upstream, mirror, base, want, context } = twoCommits();
  const other = commitTo(upstream, "other", file("secret", "of another repository\n"), "");
  const names = [...newObjects(upstream, want, base), ...newObjects(upstream, other, base)];
  const lease = answering(async () => packOf(upstream, names));
  expect(await fetchDirectly(context, ID, runOf(lease, want, base))).toBe(true);
  expect(() => plainGit(mirror, "cat-file", "-e", other)).toThrow();
});

test.each([
  ["not_yet", "is the answer"],
  ["not_found", "is the answer"],
  ["unreachable", "is the answer"],
  ["timeout", "is the answer"],
  ["upstream_error", "is left to git"],
] as const)("a failure with the code %s %s", async (code, what) => {
  const { base, want, context, loose } = twoCommits();
  const before = loose();
  const failing = answering(async () => {
    throw new RefreshError(code, "no pack");
  });
  const fetched = fetchDirectly(context, ID, runOf(failing, want, base));
  if (what === "is left to git") expect(await fetched).toBe(false);
  else await expect(fetched).rejects.toMatchObject({ code });
  expect(loose()).toEqual(before);
});

test("a fetch of several objects, or on top of several, is git's", async () => {
  const { base, want, context } = twoCommits();
  const lease = answering(() => expect.fail("nothing is asked"));
  const run = { signal: never };
  for (const [wants, bases] of [
    [[want, base], [base]],
    [[want], [base, want]],
    [[want], []],
  ])
    expect(await fetchDirectly(context, ID, { lease, wants: wants!, bases: bases!, run })).toBe(false);
});
