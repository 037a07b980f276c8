import { Octokit } from "@octokit/rest";
import { expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../src/git/transport/gateway.js";
import { createHerd } from "../../src/serve/herd/table.js";
import type { Rights, Way } from "../../src/serve/rights.js";
import { createSlots } from "../../src/serve/slots.js";
import { plainGit } from "../support/git.js";
import { EVERYBODY, mirrorWithSecrets, type ServedOptions, serveMirror } from "../support/served.js";
import { answer, scriptedHost } from "../support/upstream.js";

/** What actions/checkout makes of `github-server-url`, and how it asks. */
function checkoutAt(url: string, token = "ghs_readers-own") {
  const octokit = new Octokit({ auth: token, baseUrl: `${new URL(url).origin}/api/v3`, log: QUIET });
  return {
    branch: async () => (await octokit.rest.repos.get({ owner: "acme", repo: "site" })).data.default_branch,
    format: async () =>
      (await octokit.request("GET /repos/{owner}/{repo}/hash-algorithm", { owner: "acme", repo: "site" }))
        .data,
  };
}

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

/** The one form of a token that GitHub's git servers take. */
const basic = (token: string) => `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;

/** A mirror behind which is a GitHub. @returns what GitHub was asked with */
async function withGitHub(way: Way, options: ServedOptions = {}) {
  const atGitHub = mirrorWithSecrets();
  plainGit(atGitHub.dir, "update-ref", "refs/heads/next", atGitHub.main);
  plainGit(atGitHub.dir, "symbolic-ref", "HEAD", "refs/heads/next");
  const asked: (string | null)[] = [];
  const rights: Rights = {
    judge(question) {
      asked.push(question.authorization);
      return EVERYBODY.judge(question);
    },
  };
  const github = await serveMirror(atGitHub.dir, { rights });
  return { asked, ...(await inFrontOf(new URL(github.url).origin, way, options)) };
}

async function inFrontOf(
  origin: string,
  way: Way,
  options: ServedOptions = {},
  repositoryId: number | null = 7,
) {
  const gateway = await createGateway(origin, async () => "app-token");
  onTestFinished(() => gateway.close());
  return serveMirror(mirrorWithSecrets().dir, {
    rights: { judge: async () => ({ kind: "yes", repositoryId, reader: "r", way }) },
    pass: {
      send: gateway.sendForReader,
      targetOf: () => ({ owner: "acme", name: "site", installationId: 1 }),
      passing: createSlots({ running: 4, waiting: 100 }),
      herd: createHerd({ spills: { open: async () => null } }),
    },
    ...options,
  });
}

test("actions/checkout learns the default branch and the hash algorithm, and nothing else", async () => {
  const { url } = await serveMirror(mirrorWithSecrets().dir);
  const checkout = checkoutAt(url);
  expect([await checkout.branch(), await checkout.format()]).toEqual(["main", { hash_algorithm: "sha1" }]);
  const api = `${new URL(url).origin}/api/v3/repos/acme/site`;
  const got = await fetch(api);
  expect([await got.json(), got.headers.get("x-lockstep-source")]).toEqual([
    { default_branch: "main" },
    "mirror",
  ]);
});

test("a default branch is known by its name, in any bytes, and before anybody has pushed to it", async () => {
  const { dir } = mirrorWithSecrets();
  const { url } = await serveMirror(dir);
  for (const name of ["größe/2", "unborn"]) {
    plainGit(dir, "symbolic-ref", "HEAD", `refs/heads/${name}`);
    expect(await checkoutAt(url).branch()).toBe(name);
  }
});

test.each<[string, string, number]>([
  ["GET", "/api/v3/repos/acme/site/branches", 404],
  ["GET", "/api/v3/repos/acme", 404],
  ["GET", "/api/v3/user", 404],
  ["GET", "/api/v3", 404],
  ["GET", "/api/graphql", 404],
  ["GET", "/api/v3/repos/acme/%2e%2e", 404],
  ["POST", "/api/v3/repos/acme/site", 405],
  ["DELETE", "/api/v3/repos/acme/site", 405],
  ["PATCH", "/api/v3/repos/acme/site/hash-algorithm", 405],
])("%s %s is %i, and nobody's rights are asked", async (method, path, status) => {
  const asked: unknown[] = [];
  const rights: Rights = {
    judge(question) {
      asked.push(question);
      return EVERYBODY.judge(question);
    },
  };
  const { url } = await serveMirror(mirrorWithSecrets().dir, { rights });
  const got = await fetch(new URL(url).origin + path, { method });
  expect([got.status, asked]).toEqual([status, []]);
});

test.each([401, 404, 503] as const)("without rights both answers are %i", async (status) => {
  const asked: (string | null)[] = [];
  const rights: Rights = {
    async judge({ authorization }) {
      asked.push(authorization);
      return { kind: "no", status, retryAfter: null };
    },
  };
  const { url } = await serveMirror(mirrorWithSecrets().dir, { rights });
  const checkout = checkoutAt(url);
  await expect(checkout.branch()).rejects.toMatchObject({ status });
  await expect(checkout.format()).rejects.toMatchObject({ status });
  expect(asked).toEqual(["token ghs_readers-own", "token ghs_readers-own"]);
});

test("a change that GitHub has reported and that is not here is asked of GitHub", async () => {
  const { url } = await withGitHub("token", { ensureFresh: async () => false });
  expect(await checkoutAt(url).branch()).toBe("next");
});

test.each<[Way, number | null, string | null]>([
  ["github", null, basic("ghs_readers-own")],
  ["public", null, null],
  ["token", 7, basic("app-token")],
])("what is not mirrored is asked of GitHub's git server, by %s of %s with %s", async (way, id, sent) => {
  const rights: Rights = { judge: async () => ({ kind: "yes", repositoryId: id, reader: "r", way }) };
  const { url, asked } = await withGitHub(way, { rights, openMirror: () => null });
  expect([await checkoutAt(url).branch(), asked]).toEqual(["next", [sent]]);
});

test.each([
  [404, 404],
  [500, 503],
  [200, 503],
])("GitHub's %i is %i", async (status, expected) => {
  const host = await scriptedHost(answer(status, "0000"));
  const { url } = await inFrontOf(host.origin, "github", { openMirror: () => null });
  await expect(checkoutAt(url).branch()).rejects.toMatchObject({ status: expected });
});
