import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { createHolders } from "../../src/base/holders.js";
import { createSpillSpace } from "../../src/serve/herd/spill.js";
import { createHerd } from "../../src/serve/herd/table.js";
import { createLfsPorts } from "../../src/serve/lfs/create.js";
import { openListener } from "../../src/serve/listener.js";
import type { PassPorts } from "../../src/serve/pass-through.js";
import { createRequestReader } from "../../src/serve/request/body.js";
import type { Granted, Rights } from "../../src/serve/rights.js";
import { createService, type ServiceNeeds } from "../../src/serve/service.js";
import { readShown } from "../../src/serve/shown.js";
import { createSlots } from "../../src/serve/slots.js";
import { createTurns } from "../../src/serve/turns.js";
import { type AskGitHub, createWantsCheck } from "../../src/serve/wants/check.js";
import { NO_LOG } from "./config.js";
import { PATH, plainGit, realGit, streamingGit } from "./git.js";
import { tempDir } from "./temp.js";

/** Writes a branch's commits, each with one new file, on top of another commit. @returns the commits */
function grow(
  dir: string,
  branch: string,
  { from, count }: { from: string | null; count: number },
): string[] {
  const one = (n: number) => {
    const line = `${branch} ${n}\n`;
    const data = `data ${line.length}\n${line}`;
    const who = `committer T <t@example.com> ${1_700_000_000 + n * 60} +0000\n`;
    const base = n === 0 && from !== null ? `from ${from}\n` : "";
    return `commit refs/heads/${branch}\n${who}${data}${base}M 100644 inline ${branch}/${n}\n${data}\n`;
  };
  const input = Array.from({ length: count }, (_, n) => one(n)).join("");
  execFileSync("git", ["fast-import", "--quiet"], { input, env: { PATH, GIT_DIR: dir } });
  return plainGit(dir, "rev-list", "--reverse", `--max-count=${count}`, branch).split("\n");
}

/** A mirror with shown and hidden history, and the names of what lies in it. */
export function mirrorWithSecrets() {
  const dir = join(tempDir(), "mirror.git");
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main", dir);
  const shown = grow(dir, "main", { from: null, count: 5 });
  const old = shown[1]!;
  plainGit(dir, "tag", "-a", "-m", "one", "v1", old);
  // History that was forced away at GitHub, and that Lockstep keeps.
  const [parent = "", commit = ""] = grow(dir, "gone", { from: old, count: 2 });
  plainGit(dir, "tag", "-a", "-m", "secret", "secret", commit);
  const tag = plainGit(dir, "rev-parse", "refs/tags/secret");
  const ref = "refs/lockstep/kept/1-abc/heads/gone";
  plainGit(dir, "update-ref", ref, commit);
  plainGit(dir, "update-ref", "refs/lockstep/kept-by-tip/2-abc", tag);
  plainGit(dir, "update-ref", "-d", "refs/heads/gone");
  plainGit(dir, "update-ref", "-d", "refs/tags/secret");
  const hidden = { ref, commit, parent, tag };
  const tree = plainGit(dir, "rev-parse", `${commit}^{tree}`);
  const blob = plainGit(dir, "rev-parse", `${commit}:gone/1`);
  const annotated = plainGit(dir, "rev-parse", "refs/tags/v1");
  return { dir, main: shown[4]!, old, annotated, hidden: { ...hidden, tree, blob } };
}

/** Grants everybody a repository. */
export const EVERYBODY: Rights = {
  judge: async () => ({ kind: "yes", repositoryId: 7, reader: "test", way: "public" }) satisfies Granted,
};

export const NOT_AT_GITHUB: AskGitHub = {
  ask: async () => new Set(),
  isProven: () => false,
  pending: () => null,
};

export interface ServedOptions extends Partial<ServiceNeeds> {
  github?: AskGitHub;
  shutdownTimeoutMs?: number;
}

async function unreachable(): Promise<never> {
  throw new RefreshError("unreachable", "GitHub cannot be reached");
}

/** What serves a mirror to everybody. */
export function servingParts(
  dir: string,
  { github = NOT_AT_GITHUB, ...options }: ServedOptions = {},
): ServiceNeeds {
  const streamGit = streamingGit();
  let lists = 0;
  const spillDir = join(tempDir(), "spill");
  const herd = createHerd({
    spills: createSpillSpace({ dir: spillDir, maxBytes: 2 ** 30, hasRoom: () => true }),
  });
  const pass: PassPorts = {
    send: unreachable,
    targetOf: () => ({ owner: "acme", name: "site", installationId: 1 }),
    passing: createSlots({ running: 4, waiting: 100 }),
    herd,
  };
  return {
    rights: EVERYBODY,
    openMirror: (id) => ({ id, dir, provenAt: Date.UTC(2026, 0, 1) }),
    readShown: (mirror) => readShown(streamGit, mirror),
    ensureFresh: async () => true,
    bring: async () => false,
    checkWants: createWantsCheck({ git: realGit(), streamGit, github, isComing: () => false }),
    approaching: createHolders<number>(),
    turn: createTurns(),
    readRequest: createRequestReader(),
    streamGit,
    slots: createSlots({ running: 4, waiting: 100 }),
    checks: createSlots({ running: 4, waiting: 1_000 }),
    herd,
    // The refs change without Lockstep, so that no list is one that was read before.
    generation: () => ++lists,
    onClone() {},
    timeoutMs: 60_000,
    threads: 1,
    addressOf: (request) => request.socket.remoteAddress ?? "",
    pass,
    others: null,
    lfs: createLfsPorts(
      { ask: unreachable, open: unreachable },
      { targetOf: pass.targetOf, timeoutMs: 60_000 },
    ),
    scheme: "http",
    seen: { served() {}, refused() {} },
    ...options,
  };
}

/** Serves a mirror to everybody, until the test ends. @returns the address of the repository */
export async function serveMirror(dir: string, options: ServedOptions = {}) {
  const service = createService(servingParts(dir, options));
  const { shutdownTimeoutMs = 0 } = options;
  const listener = await openListener(
    { port: 0, host: "127.0.0.1", tls: null, shutdownTimeoutMs },
    service,
    NO_LOG,
  );
  onTestFinished(() => listener.close());
  return { url: `http://127.0.0.1:${listener.port}/acme/site`, listener };
}

const run = promisify(execFile);

/** Runs git as a reader on another machine does. @returns what it prints to stdout */
export async function readerGit(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: {
      PATH,
      HOME: cwd,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "R",
      GIT_AUTHOR_EMAIL: "r@example.com",
      GIT_COMMITTER_NAME: "R",
      GIT_COMMITTER_EMAIL: "r@example.com",
    },
  });
  return stdout.trim();
}

/** A new directory of a reader. */
export const readerDir = (): string => tempDir();

export const cloneDir = (dir: string): string => join(dir, "clone");

/** Sends a request for a pack as no honest client does. @returns status and body, latin1 */
export async function post(url: string, version: number, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/git-upload-pack`, {
    method: "POST",
    headers: {
      "content-type": "application/x-git-upload-pack-request",
      "git-protocol": `version=${version}`,
      ...headers,
    },
    body: Buffer.from(body, "latin1"),
  });
  const text = Buffer.from(await answer.arrayBuffer()).toString("latin1");
  return { status: answer.status, text, headers: answer.headers };
}
