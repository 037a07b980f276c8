import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Repo, type StandIn, ZERO } from "../../../tools/standin/index.js";
import { plainGit } from "../../support/git.js";
import { gitmodules } from "../../support/submodules.js";
import { type Served, startServing } from "../served.js";
import { checkout, type Inputs } from "./steps.js";

let served: Served;
let lib: Repo;
beforeAll(async () => {
  served = await startServing({}, async (standin: StandIn) => {
    lib = await standin.createRepository("acme", "lib");
  });
});

/** The job of a workflow, in a new workspace or in that of an earlier job. */
function job(inputs: Partial<Inputs>, cwd = served.dir()) {
  const token = served.githubToken();
  return checkout({ serverUrl: served.origin, repository: "acme/app", token, ...inputs }, cwd);
}

const upstream = (...args: string[]) => plainGit(served.app.dir, ...args);

test("a branch, by the commit of the event that started the job", async () => {
  const { after } = await served.push(served.app, "main");
  const { commit, git } = await job({ ref: "refs/heads/main", commit: after });
  expect([commit, await git("symbolic-ref", "HEAD")]).toEqual([after, "refs/heads/main"]);
  expect(await git("rev-list", "--count", "HEAD")).toBe("1");
});

test("a branch that has moved on since the event", async () => {
  const { after } = await served.push(served.app, "main");
  await served.push(served.app, "main");
  expect((await job({ ref: "refs/heads/main", commit: after })).commit).toBe(after);
});

test("a branch and a tag by name, a sha alone", async () => {
  const main = upstream("rev-parse", "main");
  expect((await job({ ref: "main" })).commit).toBe(main);
  expect((await job({ ref: "refs/heads/topic" })).commit).toBe(upstream("rev-parse", "topic"));
  expect((await job({ ref: "refs/tags/v1" })).commit).toBe(upstream("rev-parse", "v1^{commit}"));
  const old = upstream("rev-parse", "main~3");
  expect((await job({ commit: old })).commit).toBe(old);
});

test("a pull request's merge commit, which no webhook reports, by sha and by name", async () => {
  const { standin, app } = served;
  const { number, head, baseSha } = await standin.openPullRequest(app);
  const merge = upstream("commit-tree", "-m", "merge", "-p", baseSha, "-p", head, `${head}^{tree}`);
  const ref = `refs/pull/${number}/merge`;
  await standin.writeRef(app, ref, merge);
  const bySha = await job({ ref, commit: merge });
  expect(bySha.commit).toBe(merge);
  expect((await job({ ref })).commit).toBe(merge);
  const whole = await job({ ref, commit: merge, fetchDepth: 0 });
  expect(whole.commit).toBe(merge);
  expect(await whole.git("rev-list", "--count", "HEAD")).toBe(upstream("rev-list", "--count", merge));
});

test("the whole history, with each branch and tag", async () => {
  const { git, commit } = await job({ ref: "refs/heads/main", fetchDepth: 0 });
  expect(commit).toBe(upstream("rev-parse", "main"));
  expect(await git("rev-list", "--count", "HEAD")).toBe(upstream("rev-list", "--count", "main"));
  expect(await git("rev-parse", "origin/topic", "v1")).toBe(upstream("rev-parse", "topic", "v1"));
});

test("a workspace that an earlier job has left: the next commit, then --unshallow", async () => {
  const cwd = served.dir();
  await job({ ref: "refs/heads/main" }, cwd);
  const { after } = await served.push(served.app, "main");
  expect((await job({ ref: "refs/heads/main", commit: after }, cwd)).commit).toBe(after);
  const { git, workspace } = await job({ ref: "refs/heads/main", fetchDepth: 0 }, cwd);
  expect(existsSync(join(workspace, ".git/shallow"))).toBe(false);
  expect(await git("rev-list", "--count", "HEAD")).toBe(upstream("rev-list", "--count", "main"));
});

test("sparse: the folders that are named, and no others' contents", async () => {
  await served.push(served.app, "main", { "other/1.txt": "other\n" });
  const { workspace, git } = await job({ ref: "refs/heads/main", sparse: ["src"] });
  expect(readFileSync(join(workspace, "src/1.txt"), "utf8")).toBe("1\n");
  expect(existsSync(join(workspace, "other"))).toBe(false);
  const objects = await git("rev-list", "--objects", "--missing=print", "HEAD", "--");
  expect(objects.match(/^\?.*$/gm)).toEqual([`?${upstream("rev-parse", "main:other/1.txt")}`]);
});

/** Commits a submodule with that URL on a branch of its own. */
async function withSubmodule(branch: string, url: string): Promise<string> {
  const { standin, app, lockstep } = served;
  const gitlink = await standin.tip(lib, "refs/heads/main");
  const files = { ".gitmodules": gitmodules({ lib: url }), lib: { gitlink } };
  const after = await standin.commitObject(app, { parent: upstream("rev-parse", "main"), files });
  const [push] = await standin.updateRefs(app, [{ ref: `refs/heads/${branch}`, before: ZERO, after }]);
  await standin.deliver(push!, { to: lockstep.webhookUrl });
  return gitlink;
}

test.each([0, 1])("submodules with relative URLs, with a fetch-depth of %i", async (fetchDepth) => {
  const gitlink = await withSubmodule(`relative-${fetchDepth}`, "../lib.git");
  const inputs = { ref: `refs/heads/relative-${fetchDepth}`, submodules: true, fetchDepth };
  const { git } = await job(inputs);
  expect(await git("-C", "lib", "rev-parse", "HEAD")).toBe(gitlink);
});

test("a token that may not read the repository gets nothing", async () => {
  await served.standin.createRepository("globex", "secret");
  await expect(job({ repository: "globex/secret", ref: "refs/heads/main" })).rejects.toThrow(/not found/);
  await expect(job({ token: "ghs_wrong", ref: "refs/heads/main" })).rejects.toThrow(/could not read/);
});

test("another repository without a ref: its default branch", async () => {
  const { commit, git } = await job({ repository: "acme/lib" });
  expect(commit).toBe(plainGit(lib.dir, "rev-parse", "main"));
  expect(await git("symbolic-ref", "HEAD")).toBe("refs/heads/main");
  await expect(job({ repository: "globex/none" })).rejects.toThrow("answered 404");
});

test("files of Git LFS", async () => {
  const pointer = served.standin.lfs.put("a large file\n");
  const attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
  const { after } = await served.push(served.app, "main", {
    ".gitattributes": attributes,
    "large.bin": pointer,
  });
  const { workspace } = await job({ ref: "refs/heads/main", commit: after, lfs: true });
  expect(readFileSync(join(workspace, "large.bin"), "utf8")).toBe("a large file\n");
});
