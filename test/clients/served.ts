import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { freePort, type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { Releasers } from "../../tools/releasers.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";

const API_TOKEN = "token-of-the-tests-0123456789";

export interface Served {
  standin: StandIn;
  lockstep: Lockstep;
  /** acme/app: main with six commits, topic, an annotated tag v1 and a lightweight one, light. */
  app: Repo;
  /** What readers call the server, without a slash at the end. */
  origin: string;
  /** A token of Lockstep's for all of acme. */
  secret: string;
  /** A token of GitHub's for all of acme. */
  githubToken(): string;
  /** A new directory, which is removed once the tests of this file have run. */
  dir(): string;
  /** A commit at GitHub that Lockstep has been told of. */
  push(repo: Repo, branch: string, files?: Record<string, string>): Promise<Push>;
}

const releasers = new Releasers();
// A hook that is made while another one runs is never called.
afterAll(() => releasers.release());

/** What is called once the file's tests have run. */
export const atEnd = (release: () => unknown): void => releasers.add(release);

/** A Lockstep in a process of its own, which serves mirrors of the stand-in until the file's tests have run. */
export async function startServing(
  env: Record<string, string> = {},
  prepare: (standin: StandIn) => Promise<unknown> = async () => {},
): Promise<Served> {
  const dir = () => {
    const made = mkdtempSync(join(tmpdir(), "lockstep-clients-"));
    releasers.add(() => rmSync(made, { recursive: true, force: true, maxRetries: 5 }));
    return made;
  };
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const app = await appAt(standin);
  await prepare(standin);
  const port = await freePort();
  const lockstep = await startLockstep({
    standin,
    dataDir: join(dir(), "data"),
    env: { API_TOKEN, INTERVAL: "off", SERVE_PORT: String(port), READERS: "github,token", ...env },
  });
  releasers.add(() => lockstep.kill9());
  const names = standin.world.repositoriesOf(app.installation!).map(({ owner, name }) => `${owner}/${name}`);
  for (const repository of names)
    await lockstep.waitForLog((line) => line.repository === repository && line.result === "cloned");
  return {
    standin,
    lockstep,
    app,
    origin: `http://127.0.0.1:${port}`,
    secret: await tokenOf(lockstep),
    githubToken: () => standin.token(app.installation!),
    dir,
    async push(repo, branch, files) {
      const push = await standin.commit(repo, branch, files ? { files } : {});
      const { status } = await standin.deliver(push, { to: lockstep.webhookUrl });
      if (status !== 202) throw new Error(`the delivery was answered ${status}`);
      return push;
    },
  };
}

async function appAt(standin: StandIn): Promise<Repo> {
  const app = await standin.createRepository("acme", "app");
  for (let n = 1; n <= 5; n++)
    await standin.commit(app, "main", { files: { [`src/${n}.txt`]: `${n}\n`, "last.txt": `${n}\n` } });
  await standin.createTag(app, "v1", { annotated: true, at: "main~2" });
  await standin.createTag(app, "light", { at: "main~1" });
  await standin.createBranch(app, "topic", (await standin.resolve(app, "main~3")) as string);
  await standin.commit(app, "topic", { files: { "topic.txt": "topic\n" } });
  return app;
}

async function tokenOf(lockstep: Lockstep): Promise<string> {
  const body = JSON.stringify({ name: "ci", scopes: ["git"], repositories: ["acme/*"] });
  const answer = await lockstep.api("/api/v1/tokens", { method: "POST", body });
  const { secret } = (await answer.json()) as { secret: string };
  return secret;
}
