import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { setPriority } from "node:os";
import { simpleGit } from "simple-git";
import { RefreshError } from "../../base/errors.js";
import type { Processes } from "../../machine/processes.js";
import { classify, missingRef } from "./classify.js";

export interface GitCall {
  args: string[];
  /** GIT_DIR; null for a command that needs no repository. */
  gitDir: string | null;
  /** Where objects are read and written, when it is not in the GIT_DIR. */
  objectDir?: string;
  /** Where objects are read besides. */
  alternate?: string;
  /** GIT_WORK_TREE; git does not look outside it. Its index is never kept in the GIT_DIR or in the tree. */
  workTree?: { dir: string; index: string };
  /** GNUPGHOME, for a signature that is to be verified. */
  gnupgHome?: string;
  /** Configuration for this call, through its environment: nothing of it shows in `ps`. */
  config?: Record<string, string>;
  /** Never empty: simple-git would leave it open. */
  input?: string | Buffer;
  timeoutMs: number;
  signal?: AbortSignal;
  /** Exit codes that are an answer, not a failure. Default: 0 alone. */
  okCodes?: number[];
  onProgress?: (line: string) => void;
  /** Nobody waits for it: it gives way to whatever else wants a processor. */
  background?: boolean;
}

export interface GitResult {
  code: number;
  stdout: string;
  stderr: string;
}

export class GitFailure extends RefreshError {
  constructor(
    code: ConstructorParameters<typeof RefreshError>[0],
    message: string,
    readonly stderr: string,
  ) {
    super(code, message);
  }
}

/** The ref for want of which a fetch failed; null: it failed for something else. */
export const missingRefOf = (error: unknown): string | null =>
  error instanceof GitFailure && error.code === "ref_missing" ? missingRef(error.stderr) : null;

export type RunGit = (call: GitCall) => Promise<GitResult>;

/** Time between the gentle and the hard end of a git: it removes its own locks on SIGTERM. */
const GRACE_MS = 2_000;
/**
 * After its exit a child's pipes are closed in GRACE_MS, so this never comes first. `false` would say so, but
 * then simple-git ties every child to one promise that never settles, and none is ever freed.
 */
const CLOSED_BY_THEN_MS = 2 * GRACE_MS;

/** simple-git keeps its child to itself; Node tells of every child it makes, before it is spawned. */
interface Seat {
  child: ChildProcess | null;
  processes: Processes;
  background: boolean;
  /** Set when the call is over before its child was there. */
  onChild?: () => void;
}
const seats = new AsyncLocalStorage<Seat>();
subscribe("child_process", (message) => {
  const seat = seats.getStore();
  if (!seat || seat.child) return;
  const { process: child } = message as { process: ChildProcess };
  seat.child = child;
  seat.processes.track(child);
  if (seat.background) child.once("spawn", () => giveWay(child));
  seat.onChild?.();
  // simple-git waits 50 ms more for a child that has said nothing: a word of no length ends that.
  child.once("exit", () => child.stdout?.emit("data", Buffer.alloc(0)));
  // A grandchild may hold the pipes open for as long as it lives; nobody waits for it.
  child.once("exit", (_, signal) => setTimeout(() => closePipes(child), signal ? 0 : GRACE_MS).unref());
});

/** nice(1) 19; what it starts inherits that. */
const giveWay = (child: ChildProcess): void => {
  try {
    setPriority(child.pid!, 19);
  } catch {
    // it has ended already
  }
};

const closePipes = (child: ChildProcess): void => {
  for (const pipe of child.stdio) pipe?.destroy();
};

/**
 * The one place that runs git. Every call is hermetic: no configuration, hook, credential or
 * transport but what is given here.
 * @throws GitFailure classified from stderr; RefreshError `timeout`, `cancelled`, `no_git`.
 */
export function createGit(options: { binary: string; path: string; processes: Processes }): RunGit {
  const seatFor = ({ background = false }: GitCall): Seat => {
    return { child: null, processes: options.processes, background };
  };
  return (call) =>
    seats.run(seatFor(call), async () => {
      if (call.signal?.aborted) throw new RefreshError("cancelled", `git ${call.args[0]} was not started`);
      const end = supervise(call);
      const result = run(options, call).catch((error: unknown) =>
        end.begun() ? end.ended : Promise.reject(error),
      );
      try {
        return await Promise.race([result, end.ended]);
      } finally {
        end.release();
      }
    });
}

/** Ends the child, and what it has started, at its deadline or when the signal aborts. */
function supervise(call: GitCall): { ended: Promise<never>; begun(): boolean; release(): void } {
  const seat = seats.getStore()!;
  let begun = false;
  const timers: NodeJS.Timeout[] = [];
  let onAbort = () => {};
  const ended = new Promise<never>((_, reject) => {
    const end = (error: RefreshError) => {
      const child = seat.child;
      // simple-git starts it a moment after it was asked to.
      if (!child) {
        seat.onChild = () => end(error);
        return;
      }
      if (child.exitCode !== null || child.signalCode !== null) return reject(error);
      if (child.pid === undefined) return void child.once("spawn", () => end(error));
      begun = true;
      const below = seat.processes.endBelow(child.pid, GRACE_MS);
      child.once("exit", () => below.then(() => reject(error)));
      child.kill("SIGTERM");
      timers.push(setTimeout(() => child.kill("SIGKILL"), GRACE_MS));
    };
    const deadline = () =>
      end(new RefreshError("timeout", `git ${call.args[0]} was ended after ${call.timeoutMs} ms`));
    timers.push(setTimeout(deadline, call.timeoutMs));
    onAbort = () => end(new RefreshError("cancelled", `git ${call.args[0]} was cancelled`));
    call.signal?.addEventListener("abort", onAbort, { once: true });
  });
  ended.catch(() => {});
  return {
    ended,
    begun: () => begun,
    release() {
      for (const timer of timers) clearTimeout(timer);
      call.signal?.removeEventListener("abort", onAbort);
    },
  };
}

async function run(options: { binary: string; path: string }, call: GitCall): Promise<GitResult> {
  const env = environment(options.path, call);
  const outcome = { code: -1 as number | null, stderr: "" };
  const git = simpleGit({
    baseDir: "/", // never inside somebody's repository
    binary: options.binary,
    completion: { onClose: true, onExit: CLOSED_BY_THEN_MS },
    allowEnvironment: Object.keys(env),
    unsafe: {
      allowUnsafeConfigPaths: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeHooksPath: true,
      allowUnsafeTemplateDir: true,
      allowUnsafeUrlRewrite: true,
      allowUnsafeGpgProgram: true,
    },
    // Without it a git killed by a signal, or failing without a word, would count as a success.
    errors: (_error, result) => {
      outcome.code = result.exitCode;
      outcome.stderr = Buffer.concat(result.stdErr).toString("utf8");
      const fine = (call.okCodes ?? [0]).includes(result.exitCode);
      return fine ? undefined : new Error(outcome.stderr);
    },
    ...(call.input === undefined ? {} : { input: () => call.input! }),
  }).env(env);
  if (call.onProgress)
    git.outputHandler((_, __, stderr) => stderr.on("data", progressLines(call.onProgress!)));
  try {
    const stdout = await git.raw(call.args);
    return { code: outcome.code ?? 0, stdout, stderr: outcome.stderr };
  } catch (error) {
    throw failure(call, outcome, error);
  }
}

function failure(
  call: GitCall,
  outcome: { code: number | null; stderr: string },
  error: unknown,
): RefreshError {
  if (/spawn \S+ E(NOENT|ACCES)/.test(outcome.stderr)) {
    return new RefreshError("no_git", "git could not be started", { cause: error });
  }
  // A fault of simple-git's own, a guard say, leaves no exit code of git's.
  const said = outcome.stderr.trim() || (outcome.code === -1 ? String(error) : "it said nothing");
  const how = outcome.code === null ? "was killed by a signal" : `exited with ${outcome.code}`;
  return new GitFailure(classify(said), `git ${call.args[0]} ${how}: ${lastLines(said)}`, said);
}

const lastLines = (text: string) => text.split("\n").slice(-4).join(" | ").slice(0, 600);

/** git redraws its progress with carriage returns. */
const progressLines = (tell: (line: string) => void) => (chunk: Buffer) => {
  const line = chunk
    .toString("utf8")
    .trim()
    .split(/[\r\n]/)
    .at(-1);
  if (line && /\d+%/.test(line)) tell(line);
};

const HERMETIC = {
  "protocol.allow": "never",
  "protocol.http.allow": "always",
  "protocol.version": "2",
  "http.followRedirects": "false",
  "core.hooksPath": "/dev/null",
  "transfer.bundleURI": "false",
  "transfer.credentialsInUrl": "die",
  "safe.bareRepository": "explicit",
  "fetch.recurseSubmodules": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "core.logAllRefUpdates": "false",
};

/** The variable is split at colons, but for what is quoted: git(1) */
const quotedEntry = (dir: string): string => (dir.includes(":") ? `"${dir.replace(/[\\"]/g, "\\$&")}"` : dir);

function environment(path: string, call: GitCall): Record<string, string> {
  const config = Object.entries({ ...HERMETIC, ...call.config });
  const env: Record<string, string> = {
    PATH: path,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    // git 3 makes repositories otherwise; the scratch directory, and GitHub, have these.
    GIT_DEFAULT_HASH: "sha1",
    GIT_DEFAULT_REF_FORMAT: "files",
    // A ref under refs/replace/ would pass one commit off as another: git-replace(1).
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_CONFIG_COUNT: String(config.length),
  };
  config.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  if (call.gitDir !== null) env.GIT_DIR = call.gitDir;
  if (call.objectDir !== undefined) env.GIT_OBJECT_DIRECTORY = call.objectDir;
  if (call.workTree !== undefined) {
    env.GIT_WORK_TREE = call.workTree.dir;
    env.GIT_INDEX_FILE = call.workTree.index;
  }
  if (call.gnupgHome !== undefined) env.GNUPGHOME = call.gnupgHome;
  if (call.alternate !== undefined) env.GIT_ALTERNATE_OBJECT_DIRECTORIES = quotedEntry(call.alternate);
  return env;
}
