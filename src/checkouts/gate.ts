import { asRefreshError } from "../base/errors.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { GitCall, RunGit } from "../git/run/exec.js";
import type { ProgramResult, RunProgram } from "../machine/programs.js";
import type { Refusal } from "./ledger.js";

/** VERIFY_SIGNATURES: whose signatures count. */
export type Signers = { kind: "ssh"; file: string } | { kind: "openpgp"; home: string };

export interface GateOptions {
  git: RunGit;
  run: RunProgram;
  /** PRE_PUBLISH_HOOK; null: none. */
  hook: string | null;
  hookTimeoutMs: number;
  signers: Signers | null;
  searchPath: string;
}

/** What is to be published. */
export interface Candidate {
  repository: RepositoryName;
  mirror: string;
  ref: string;
  /** What the ref points at: the commit, or a tag of it. */
  tip: string;
  sha: string;
  /** The commit that is published now; null: none is. */
  before: string | null;
}

export type Verdict = Pick<Refusal, "reason" | "output"> | null;

const VERIFY_TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 16 * 1024;
/** A signature of any other kind than the policy's is nobody's. */
const NO_OTHER_PROGRAM = "/bin/false";

/** A gate that cannot be asked lets nothing through. */
const notStarted = (error: unknown): ProgramResult => ({
  ...{ code: null, signal: null, timedOut: false },
  output: error instanceof Error ? error.message : String(error),
});

/** What has to let a commit through before it is published. */
export function createGate({ git, run, hook, signers, ...options }: GateOptions) {
  /** The commit, or the tag that leads to it, is signed by one of the signers. */
  async function signature({ mirror, ref, tip, sha }: Candidate): Promise<Verdict> {
    if (!signers) return null;
    const tag = tip === sha ? null : await verdictOfTag(mirror, ref, tip);
    if (tip !== sha && tag === null) return null;
    const commit = await verdictOf(mirror, ["verify-commit", sha]);
    return commit && tag?.reason === "untrusted" ? tag : commit;
  }

  /** Whoever may push can put an old release's tag at the ref of a new one: what is signed is the tag's name, too. */
  async function verdictOfTag(mirror: string, ref: string, tag: string): Promise<Verdict> {
    const verdict = await verdictOf(mirror, ["verify-tag", tag]);
    if (verdict) return verdict;
    // git cat-file tag <tag>: object, type, tag
    const args = ["cat-file", "tag", tag];
    const { stdout } = await git({ args, gitDir: mirror, timeoutMs: VERIFY_TIMEOUT_MS });
    const [, name = ""] = /^object .+\ntype .+\ntag (.+)\n/.exec(stdout) ?? [];
    if (ref === `refs/tags/${name}`) return null;
    const output = `the tag at ${ref} is signed as ${JSON.stringify(name)}`;
    return { reason: "untrusted", output: output.slice(0, MAX_OUTPUT) };
  }

  async function verdictOf(mirror: string, args: string[]): Promise<Verdict> {
    const call: GitCall = { args, gitDir: mirror, timeoutMs: VERIFY_TIMEOUT_MS, ...policy(signers!) };
    try {
      // git verify-commit <commit>, git verify-tag <tag>
      await git(call);
      return null;
    } catch (error) {
      const { code, message } = asRefreshError(error);
      if (code !== "git") throw error;
      // Of a commit without a signature git says nothing.
      const unsigned = /no signature found|it said nothing/.test(message);
      return { reason: unsigned ? "unsigned" : "untrusted", output: message.slice(0, MAX_OUTPUT) };
    }
  }

  /** The operator's program looks at the new tree, and everything waits for it. */
  async function inspect(candidate: Candidate, tree: string, signal?: AbortSignal): Promise<Verdict> {
    if (!hook) return null;
    const { repository, ref, before, sha } = candidate;
    const result = await run({
      // Nothing may write into the tree once it was looked at.
      ...{ file: hook, args: [], cwd: tree, alone: true },
      env: {
        PATH: options.searchPath,
        LOCKSTEP_REPOSITORY: fullName(repository),
        LOCKSTEP_REF: ref,
        LOCKSTEP_BEFORE: before ?? "",
        LOCKSTEP_AFTER: sha,
        LOCKSTEP_TREE: tree,
      },
      timeoutMs: options.hookTimeoutMs,
      maxOutputBytes: MAX_OUTPUT,
      signal: signal ?? new AbortController().signal,
    }).catch(notStarted);
    if (result.code === 0 && !result.timedOut) return null;
    const how = result.timedOut
      ? `was ended after ${options.hookTimeoutMs} ms`
      : result.code === null
        ? `was ended by ${result.signal ?? "the system"}`
        : `exited with ${result.code}`;
    return { reason: "veto", output: `${result.output}\nthe pre-publish hook ${how}`.trim() };
  }

  return { signature, inspect, hasHook: hook !== null };
}

export type Gate = ReturnType<typeof createGate>;

/** git-config(1): gpg.<format>.program, gpg.ssh.allowedSignersFile */
function policy(signers: Signers): Pick<GitCall, "config" | "gnupgHome"> {
  const none = Object.fromEntries(
    ["openpgp", "x509", "ssh"].map((format) => [`gpg.${format}.program`, NO_OTHER_PROGRAM]),
  );
  if (signers.kind === "openpgp")
    return { config: { ...none, "gpg.openpgp.program": "gpg" }, gnupgHome: signers.home };
  const program = { "gpg.ssh.program": "ssh-keygen", "gpg.ssh.allowedSignersFile": signers.file };
  return { config: { ...none, ...program } };
}
