import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { exportJWK } from "jose";
import { parse } from "yaml";
import { packageRoot } from "../../../tools/package-root.js";
import { rightsWorld } from "../../support/rights.js";
import { run } from "../run.js";
import { atEnd } from "../served.js";

const ACTION = join(packageRoot(), "action");
const REQUEST_TOKEN = "the-job-s-own-token";

interface Action {
  inputs: Record<string, { default?: string }>;
  runs: { steps: { shell: string; run: string; env: Record<string, string> }[] };
}

/**
 * Runs the steps of the composite action as a runner does.
 * @param env the job's variables
 * @returns the variables of the job's later steps
 */
export async function runAction(inputs: Record<string, string>, cwd: string, env: Record<string, string>) {
  const action = parse(readFileSync(join(ACTION, "action.yml"), "utf8")) as Action;
  const job: Record<string, string> = { ...env, GITHUB_SERVER_URL: "https://github.com", RUNNER_TEMP: cwd };
  const file = join(cwd, "env");
  const given = (text: string) =>
    text.replace(/\$\{\{ inputs\.(\w+) \}\}/g, (_, name: string) => {
      return inputs[name] ?? action.inputs[name]!.default ?? "";
    });
  for (const step of action.runs.steps) {
    writeFileSync(file, "");
    const own = Object.entries(step.env).map(([name, text]) => [name, given(text)]);
    // https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
    const script = join(cwd, "script.sh");
    writeFileSync(script, step.run);
    await run(step.shell, ["-e", script], {
      cwd,
      env: { ...job, ...Object.fromEntries(own), GITHUB_ENV: file, GITHUB_ACTION_PATH: ACTION },
    });
    for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean))
      job[line.slice(0, line.indexOf("="))] = line.slice(line.indexOf("=") + 1);
  }
  return job;
}

/** Where GitHub Actions gives its jobs OIDC tokens, and publishes the keys of them, until the file's tests have run. */
export async function actionsIssuer() {
  const world = rightsWorld();
  const state = { origin: "", repositoryId: 0, asked: 0, env: {} as Record<string, string> };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", state.origin);
    const answer = (body: unknown) => response.end(JSON.stringify(body));
    if (url.pathname === "/.well-known/jwks")
      return answer({
        keys: [{ ...(await exportJWK(world.keys.publicKey)), kid: "one", use: "sig", alg: "RS256" }],
      });
    const isOurs = request.headers.authorization === `bearer ${REQUEST_TOKEN}`;
    if (!isOurs || url.searchParams.get("api-version") !== "2.0") return response.writeHead(401).end();
    state.asked += 1;
    const aud = url.searchParams.get("audience") ?? "";
    const value = await world.actions(state.repositoryId, {
      iss: state.origin,
      aud,
      jti: String(state.asked),
    });
    answer({ count: 1, value });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.close());
  state.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  state.env = {
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${state.origin}/token?api-version=2.0`,
  };
  return state;
}
