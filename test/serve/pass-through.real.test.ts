import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../src/git/transport/gateway.js";
import { createHerd } from "../../src/serve/herd/table.js";
import { NOBODY, type Rights, type Way } from "../../src/serve/rights.js";
import { createSlots } from "../../src/serve/slots.js";
import { createGitHubAnswers } from "../../src/serve/wants/github.js";
import { plainGit } from "../support/git.js";
import {
  cloneDir,
  EVERYBODY,
  mirrorWithSecrets,
  post,
  readerDir,
  readerGit,
  type ServedOptions,
  serveMirror,
} from "../support/served.js";
import { tempDir } from "../support/temp.js";
import { answer, scriptedHost } from "../support/upstream.js";

const TARGET = { owner: "acme", name: "site", installationId: 1 };
const never = new AbortController().signal;

/** A mirror, and a GitHub that has what the mirror has shown, and a pull request's merge commit. */
async function withGitHub(options: ServedOptions & { way?: Way; repositoryId?: number | null } = {}) {
  const mirror = mirrorWithSecrets();
  const atGitHub = join(tempDir(), "github.git");
  cpSync(mirror.dir, atGitHub, { recursive: true });
  for (const ref of plainGit(atGitHub, "for-each-ref", "--format=%(refname)", "refs/lockstep").split("\n"))
    plainGit(atGitHub, "update-ref", "-d", ref);
  plainGit(atGitHub, "gc", "-q", "--prune=now");
  const tree = plainGit(atGitHub, "rev-parse", `${mirror.main}^{tree}`);
  const merge = plainGit(atGitHub, "commit-tree", "-m", "merge", "-p", mirror.main, "-p", mirror.old, tree);
  plainGit(atGitHub, "update-ref", "refs/pull/1/merge", merge);
  const authorizations: (string | null)[] = [];
  const rights: Rights = {
    judge(question) {
      authorizations.push(question.authorization);
      return EVERYBODY.judge(question);
    },
  };
  const github = await serveMirror(atGitHub, { rights });
  return {
    ...mirror,
    ...(await inFrontOf(new URL(github.url).origin, mirror.dir, options)),
    merge,
    authorizations,
    atGitHub,
  };
}

async function inFrontOf(
  origin: string,
  dir: string,
  {
    way = "public",
    repositoryId = 7,
    ...options
  }: ServedOptions & { way?: Way; repositoryId?: number | null } = {},
) {
  const gateway = await createGateway(origin, async () => "app-token");
  onTestFinished(() => gateway.close());
  const herd = createHerd({ spills: { open: async () => null } });
  const { url } = await serveMirror(dir, {
    rights: { judge: async () => ({ kind: "yes", repositoryId, reader: "r", way }) },
    github: createGitHubAnswers((_, id) => gateway.givesObject(TARGET, id, never)),
    pass: {
      send: gateway.sendForReader,
      targetOf: () => TARGET,
      passing: createSlots({ running: 4, waiting: 100 }),
      herd,
    },
    ...options,
  });
  return { url };
}

const basic = (password: string) => `Basic ${Buffer.from(`x-access-token:${password}`).toString("base64")}`;
/** GitHub's git servers get what was judged, in the one form that they take. */
const OWN = basic("own-token");
const APP = basic("app-token");
const wantOf = (id: string) => {
  const want = `want ${id}\n`;
  const pkt = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;
  return `${pkt("command=fetch\n")}0001${pkt(want)}${pkt("done\n")}0000`;
};

describe.each([0, 1, 2])("in version %i of the protocol", (version) => {
  const speaking = ["-c", `protocol.version=${version}`];

  test("a reader gets a commit that only GitHub has, by its sha, and goes on from the mirror", async () => {
    const { url, merge } = await withGitHub();
    const reader = readerDir();
    await readerGit(reader, ...speaking, "clone", "-q", "--depth=1", url, "clone");
    const git = (...args: string[]) => readerGit(cloneDir(reader), ...speaking, ...args);
    await git("fetch", "-q", "--depth=1", "origin", merge);
    expect(await git("rev-parse", "FETCH_HEAD")).toBe(merge);
    await git("fetch", "-q", "--unshallow", "origin");
    expect(await git("rev-list", "--count", "origin/main")).toBe("5");
  });

  test("a reader of a repository without a mirror is answered by GitHub", async () => {
    const { url, main, merge } = await withGitHub({ openMirror: () => null });
    const reader = readerDir();
    await readerGit(reader, ...speaking, "clone", "-q", url, "clone");
    expect(await readerGit(cloneDir(reader), "rev-parse", "HEAD")).toBe(main);
    await readerGit(cloneDir(reader), ...speaking, "fetch", "-q", "origin", "refs/pull/1/merge");
    expect(await readerGit(cloneDir(reader), "rev-parse", "FETCH_HEAD")).toBe(merge);
  });

  test("a push that is reported and not here yet is read from GitHub", async () => {
    const { url, atGitHub, main } = await withGitHub({ ensureFresh: async () => false });
    const tree = plainGit(atGitHub, "rev-parse", `${main}^{tree}`);
    const next = plainGit(atGitHub, "commit-tree", "-m", "next", "-p", main, tree);
    plainGit(atGitHub, "update-ref", "refs/heads/main", next);
    const reader = readerDir();
    await readerGit(reader, ...speaking, "clone", "-q", url, "clone");
    expect(await readerGit(cloneDir(reader), "rev-parse", "HEAD")).toBe(next);
  });
});

test("a pull request is found by its name", async () => {
  const { url, merge } = await withGitHub();
  const reader = readerDir();
  await readerGit(reader, "clone", "-q", url, "clone");
  await readerGit(cloneDir(reader), "fetch", "-q", "origin", "refs/pull/1/merge");
  expect(await readerGit(cloneDir(reader), "rev-parse", "FETCH_HEAD")).toBe(merge);
});

test("history that the mirror keeps is given if GitHub gives it, and GitHub alone says so", async () => {
  const refusing = await withGitHub();
  const refused = await post(refusing.url, 2, wantOf(refusing.hidden.commit));
  expect(refused.text).toContain(`not our ref ${refusing.hidden.commit}`);
  const { url, hidden, atGitHub, dir } = await withGitHub();
  plainGit(atGitHub, "fetch", "-q", dir, `${hidden.ref}:refs/heads/back`);
  const { text, headers } = await post(url, 2, wantOf(hidden.commit));
  expect([text.includes("PACK"), headers.get("x-lockstep-source")]).toEqual([true, "mirror"]);
});

test.each<[Way, number | null, string | null]>([
  ["github", 7, OWN],
  ["github", null, OWN],
  ["public", null, null],
  ["oidc", 7, APP],
  ["token", 7, APP],
])("a right proven by %s for repository %s sends GitHub %s", async (way, repositoryId, sent) => {
  const { url, authorizations, main } = await withGitHub({ way, repositoryId, openMirror: () => null });
  const { status } = await post(url, 2, wantOf(main), { authorization: "Bearer own-token" });
  expect([status, authorizations]).toEqual([200, [sent]]);
});

test.each<Way>(["oidc", "token"])("a right by %s opens no repository that is not managed", async (way) => {
  const { url, authorizations, main } = await withGitHub({ way, repositoryId: null });
  expect([(await post(url, 2, wantOf(main))).status, authorizations]).toEqual([404, []]);
});

test.each([
  [401, 401],
  [403, 404],
  [404, 404],
  [301, 404],
  [429, 503],
  [500, 503],
])("GitHub's %i is a reader's %i, without anything else of GitHub's", async (status, expected) => {
  const { dir, main } = mirrorWithSecrets();
  const headers = {
    location: "https://evil.example.com/",
    "set-cookie": "a=b",
    "www-authenticate": "Basic x",
  };
  const host = await scriptedHost(answer(status, "secret of GitHub's", headers));
  const { url } = await inFrontOf(host.origin, dir, { openMirror: () => null, way: "github" });
  const got = await post(url, 2, wantOf(main), { authorization: OWN });
  expect(got.status).toBe(expected);
  expect(got.text).not.toContain("secret");
  expect([got.headers.get("location"), got.headers.get("set-cookie")]).toEqual([null, null]);
});

test("while GitHub is down, the mirror answers for pull requests, too", async () => {
  const { dir, main } = mirrorWithSecrets();
  const host = await scriptedHost(answer(500));
  const { url } = await inFrontOf(host.origin, dir);
  const prefix = "ref-prefix refs/pull/1/head\n";
  const pkt = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;
  const { status, headers } = await post(url, 2, `${pkt("command=ls-refs\n")}0001${pkt(prefix)}0000`);
  expect([status, headers.get("x-lockstep-source")]).toEqual([200, "mirror"]);
  expect((await post(url, 2, wantOf(main))).text).toContain("PACK");
});

test("GitHub is asked once for a commit that many want, and not again for a while", async () => {
  const { dir, hidden } = mirrorWithSecrets();
  const host = await scriptedHost(answer(200, `0049ERR upload-pack: not our ref ${hidden.commit}\n`));
  const { url } = await inFrontOf(host.origin, dir);
  await Promise.all([1, 2, 3, 4].map(() => post(url, 2, wantOf(hidden.commit))));
  await post(url, 2, wantOf(hidden.commit));
  expect(host.asked).toHaveLength(1);
});

test("nobody's rights are asked of GitHub while nobody has any", async () => {
  const { url, authorizations, main } = await withGitHub({ rights: NOBODY });
  expect([(await post(url, 2, wantOf(main))).status, authorizations]).toEqual([404, []]);
});
