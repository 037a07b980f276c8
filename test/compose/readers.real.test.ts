import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { freePort } from "../../tools/lockstep.js";
import { PATH, plainGit } from "../support/git.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

const run = promisify(execFile);

/** Clones over HTTP with credentials, or without. @returns the tip, or what git said */
async function clone(port: number, name: string, credentials: string): Promise<string> {
  const dir = join(tempDir(), "clone");
  const at = credentials === "" ? "" : `${credentials}@`;
  const env = { PATH, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1", HOME: tempDir() };
  try {
    await run("git", ["clone", "-q", "--bare", `http://${at}127.0.0.1:${port}/${name}.git`, dir], { env });
    return plainGit(dir, "rev-parse", "refs/heads/main");
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

test("real git clones what its token may read, by each way, and nothing else", async () => {
  const port = await freePort();
  const world = await World.create({ SERVE_PORT: String(port), READERS: "github,token,public" });
  const app = await world.standin.createRepository("acme", "app");
  const site = await world.standin.createRepository("globex", "site");
  const open = await world.standin.createRepository("acme", "open", { private: false });
  await world.start(app, site, open);
  const body = JSON.stringify({ name: "ci", scopes: ["git"], repositories: ["acme/*"] });
  const made = await world.api("/api/v1/tokens", { method: "POST", body });
  const { secret } = (await made.json()) as { secret: string };
  const tip = (repo: typeof app) => world.tips(repo)["refs/heads/main"];
  const minted = (repo: typeof app) =>
    `x-access-token:${world.standin.world.mintToken(repo.installation!).token}`;
  expect(await clone(port, "acme/app", `x:${secret}`)).toBe(tip(app));
  expect(await clone(port, "acme/app", minted(app))).toBe(tip(app));
  expect(await clone(port, "acme/open", "")).toBe(tip(open));
  for (const credentials of [`x:${secret}`, minted(app)])
    expect(await clone(port, "globex/site", credentials)).toContain("not found");
  for (const credentials of ["", "x:lockstep_wrong", "x:ghs_wrong"])
    expect(await clone(port, "acme/app", credentials)).toMatch(/could not read|Authentication failed/);
});
