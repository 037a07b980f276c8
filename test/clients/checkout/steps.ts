import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../run.js";

/** The inputs of https://github.com/actions/checkout that change what it asks a server for. */
export interface Inputs {
  /** The server's origin, as `github-server-url` says it. */
  serverUrl: string;
  repository: string;
  /** GITHUB_TOKEN. */
  token: string;
  /** `refs/heads/…`, `refs/tags/…`, `refs/pull/…`, or a name without `refs/`. */
  ref?: string;
  commit?: string;
  /** 0: all of the history, and every branch and tag. */
  fetchDepth?: number;
  sparse?: string[];
  submodules?: boolean;
  lfs?: boolean;
}

const HISTORY = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];

/**
 * Runs the commands of actions/checkout v5 in their order, as its files git-source-provider.ts,
 * git-command-manager.ts, ref-helper.ts and git-auth-helper.ts have them. The program itself is published at GitHub alone,
 * and in no registry of packages.
 * @param cwd the runner's home; the workspace is below it, and may be one that an earlier job has left
 * @param job variables of the job, which earlier steps have set
 * @returns the workspace, and the commit in it
 */
export async function checkout(given: Inputs, cwd: string, job: Record<string, string> = {}) {
  const isNamed = given.ref !== undefined || given.commit !== undefined;
  const inputs = isNamed ? given : { ...given, ref: await defaultBranch(given) };
  const workspace = join(cwd, "work");
  const env = { ...job, GCM_INTERACTIVE: "Never" };
  const git = (...args: string[]) => run("git", args, { cwd: existsSync(workspace) ? workspace : cwd, env });
  if (existsSync(join(workspace, ".git"))) await clean(git);
  else {
    await git("init", workspace);
    await git("remote", "add", "origin", `${inputs.serverUrl}/${inputs.repository}`);
  }
  await git("config", "--local", "gc.auto", "0");
  const basic = Buffer.from(`x-access-token:${inputs.token}`).toString("base64");
  const header = [`http.${inputs.serverUrl}/.extraheader`, `AUTHORIZATION: basic ${basic}`] as const;
  await git("config", "--local", ...header);
  if (inputs.lfs) await git("lfs", "install", "--local");
  await fetchRefs(git, inputs, workspace);
  if (inputs.lfs) await git("lfs", "fetch", "origin", target(inputs).at(-1)!);
  if (inputs.sparse) await git("sparse-checkout", "set", ...inputs.sparse);
  await git("checkout", "--progress", "--force", ...target(inputs));
  if (inputs.submodules) {
    await git("config", "--global", ...header);
    await updateSubmodules(git, inputs);
  }
  const log = await git("log", "-1", "--format=%H");
  // What the action does after the job.
  await git("config", "--local", "--unset-all", header[0]);
  return { workspace, commit: log, git };
}

/** github-api-helper.ts: Octokit asks any other server for its API under /api/v3. */
async function defaultBranch({ serverUrl, repository, token }: Inputs): Promise<string> {
  const answer = await fetch(`${serverUrl}/api/v3/repos/${repository}`, {
    headers: { authorization: `token ${token}`, accept: "application/vnd.github.v3+json" },
  });
  if (!answer.ok) throw new Error(`the default branch was answered ${answer.status}`);
  const { default_branch: branch } = (await answer.json()) as { default_branch: string };
  return `refs/heads/${branch}`;
}

type Git = (...args: string[]) => Promise<string>;

/** git-directory-helper.ts: an earlier job's workspace. */
async function clean(git: Git): Promise<void> {
  await git("checkout", "--detach");
  const branches = await git("rev-parse", "--symbolic-full-name", "--branches");
  for (const branch of branches.split("\n").filter(Boolean))
    await git("branch", "--delete", "--force", branch.replace("refs/heads/", ""));
  await git("submodule", "status");
  await git("clean", "-ffdx");
  await git("reset", "--hard", "HEAD");
}

async function fetchRefs(git: Git, inputs: Inputs, workspace: string): Promise<void> {
  const { fetchDepth = 1, sparse } = inputs;
  const refSpecs = fetchDepth > 0 ? specs(inputs) : [...HISTORY, ...pullSpec(inputs)];
  const args = ["-c", "protocol.version=2", "fetch"];
  if (fetchDepth > 0) args.push("--no-tags");
  args.push("--prune", "--no-recurse-submodules");
  if (sparse) args.push("--filter=blob:none");
  if (fetchDepth > 0) args.push(`--depth=${fetchDepth}`);
  else if (existsSync(join(workspace, ".git/shallow"))) args.push("--unshallow");
  await git(...args, "origin", ...refSpecs);
}

const short = (ref: string): string => ref.replace(/^refs\/(heads|tags|pull)\//, "");

/** getRefSpec of ref-helper.ts */
function specs({ ref, commit }: Inputs): string[] {
  if (ref === undefined) return [commit!];
  if (ref.startsWith("refs/heads/")) return [`+${commit ?? ref}:refs/remotes/origin/${short(ref)}`];
  if (ref.startsWith("refs/pull/")) return pullSpec({ ref, ...(commit ? { commit } : {}) });
  if (ref.startsWith("refs/tags/")) return [`+${commit ?? ref}:${ref}`];
  return [`+refs/heads/${ref}*:refs/remotes/origin/${ref}*`, `+refs/tags/${ref}*:refs/tags/${ref}*`];
}

const pullSpec = ({ ref = "", commit }: Pick<Inputs, "ref" | "commit">): string[] =>
  ref.startsWith("refs/pull/") ? [`+${commit ?? ref}:refs/remotes/pull/${short(ref)}`] : [];

/** getCheckoutInfo of ref-helper.ts; a name without refs/ is a branch here. */
function target({ ref, commit }: Inputs): string[] {
  if (ref === undefined) return [commit!];
  if (ref.startsWith("refs/pull/")) return [`refs/remotes/pull/${short(ref)}`];
  if (ref.startsWith("refs/tags/")) return [ref];
  return ["-B", short(ref), `refs/remotes/origin/${short(ref)}`];
}

async function updateSubmodules(git: Git, { serverUrl, fetchDepth = 1 }: Inputs): Promise<void> {
  const host = new URL(serverUrl).hostname;
  await git("config", "--global", "--add", `url.${serverUrl}/.insteadOf`, `git@${host}:`);
  await git("submodule", "sync");
  const depth = fetchDepth > 0 ? [`--depth=${fetchDepth}`] : [];
  await git("-c", "protocol.version=2", "submodule", "update", "--init", "--force", ...depth);
  await git("submodule", "foreach", "git config --local gc.auto 0");
}
