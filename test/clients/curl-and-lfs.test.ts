import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { requireProgram } from "./programs.js";
import { run } from "./run.js";
import { type Served, startServing } from "./served.js";

let served: Served;
beforeAll(async () => {
  requireProgram({ name: "curl", probe: ["curl", "--version"] });
  requireProgram({ name: "git-lfs", probe: ["git-lfs", "version"] });
  served = await startServing();
});

/** @returns the answer's status and text */
async function curl(path: string, ...options: string[]): Promise<{ status: string; text: string }> {
  const args = ["--silent", "--write-out", "\n%{http_code}", ...options, `${served.origin}${path}`];
  const out = await run("curl", args, { cwd: served.dir() });
  const end = out.lastIndexOf("\n");
  return { status: out.slice(end + 1), text: out.slice(0, end) };
}

const user = () => ["--user", `x:${served.secret}`];
const main = () => plainGit(served.app.dir, "rev-parse", "main");
const REFS = "/acme/app.git/info/refs?service=git-upload-pack";

test("curl reads the advertisement, of version 0 and of version 2", async () => {
  const zero = await curl(REFS, ...user());
  expect(zero.status).toBe("200");
  expect(zero.text).toContain(`${main()} refs/heads/main`);
  const two = await curl(REFS, ...user(), "--header", "Git-Protocol: version=2");
  expect(two.text).toContain("version 2");
});

test("curl lists refs in version 2, with a body that is compressed", async () => {
  const body = join(served.dir(), "body");
  writeFileSync(body, gzipSync("0014command=ls-refs\n0001001bref-prefix refs/heads/\n0000"));
  const headers = [
    "Git-Protocol: version=2",
    "Content-Type: application/x-git-upload-pack-request",
    "Content-Encoding: gzip",
  ].flatMap((header) => ["--header", header]);
  const path = "/acme/app/git-upload-pack";
  const { status, text } = await curl(path, ...user(), ...headers, "--data-binary", `@${body}`);
  expect(status).toBe("200");
  expect(text).toContain(`${main()} refs/heads/main\n`);
});

test("curl is asked for credentials, and refused with wrong ones and for pushes", async () => {
  expect((await curl(REFS)).status).toBe("401");
  expect((await curl(REFS, "--user", "x:lockstep_wrong")).status).toBe("401");
  expect((await curl(REFS.replace("app", "none"), ...user())).status).toBe("404");
  const push = await curl(REFS.replace("upload", "receive"), ...user());
  expect(push.status).toBe("403");
  expect(push.text).toContain("pushInsteadOf");
});

test("a clone without files of Git LFS has their pointers", async () => {
  const pointer = served.standin.lfs.put("a large file\n");
  const attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
  await served.push(served.app, "main", { ".gitattributes": attributes, "large.bin": pointer });
  const cwd = served.dir();
  const env = { GIT_LFS_SKIP_SMUDGE: "1" };
  await run("git", ["lfs", "install"], { cwd, env });
  const url = served.origin.replace("//", `//x:${served.secret}@`);
  await run("git", ["clone", `${url}/acme/app`, "clone"], { cwd, env });
  expect(readFileSync(join(cwd, "clone/large.bin"), "utf8")).toBe(pointer);
  expect(await run("git", ["lfs", "ls-files", "--long"], { cwd: join(cwd, "clone"), env })).toContain(
    "large.bin",
  );
});
