import { freePort } from "../../tools/lockstep.js";
import { withToken } from "./rights.js";
import { World } from "./world.js";

/**
 * A running Lockstep that serves two private repositories of two accounts, a public one, and readers with credentials of
 * each form.
 */
export async function readingWorld(env: Record<string, string> = {}) {
  const port = await freePort();
  const world = await World.create({ SERVE_PORT: String(port), READERS: "github,token,public", ...env });
  const { standin } = world;
  const app = await standin.createRepository("acme", "app");
  const other = await standin.createRepository("globex", "site");
  const open = await standin.createRepository("acme", "open", { private: false });
  await world.start(app, other, open);
  const origin = `http://127.0.0.1:${port}`;

  /** Makes one of Lockstep's own tokens. @returns its secret */
  async function ownToken(name: string, repositories: string[] | null = null): Promise<string> {
    const body = JSON.stringify({ name, scopes: ["git"], ...(repositories && { repositories }) });
    const made = await world.api("/api/v1/tokens", { method: "POST", body });
    return ((await made.json()) as { secret: string }).secret;
  }
  /** A token of GitHub's that may read what an installation may. */
  const githubToken = ({ installation }: typeof app) => standin.world.mintToken(installation!).token;

  /** Sends a request as a reader does. @param token null: without credentials */
  const ask = (path: string, token: string | null, init: RequestInit = {}) =>
    fetch(path.startsWith("http") ? path : origin + path, {
      redirect: "manual",
      ...init,
      headers: { ...(token === null ? {} : { authorization: withToken(token) }), ...init.headers },
    });

  return { world, standin, app, other, open, origin, ownToken, githubToken, ask };
}

export type ReadingWorld = Awaited<ReturnType<typeof readingWorld>>;
