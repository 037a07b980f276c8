import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Push, Repo, StandIn } from "../../tools/standin/index.js";
import { plainGit, plainGitWith } from "./git.js";
import { tempDir } from "./temp.js";

/** Makes git sign with a person's key, by options that precede the command. */
export interface Signer {
  options: string[];
  /** The line for ALLOWED_SIGNERS, as in ssh-keygen(1). */
  allowed: string;
  /** The directory for GPG_HOME. */
  home: string;
}

export function sshSigner(name: string): Signer {
  const key = join(tempDir(), name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key]);
  const options = ["-c", "gpg.format=ssh", "-c", `user.signingkey=${key}`];
  return { options, allowed: `${name}@example.com ${readFileSync(`${key}.pub`, "utf8")}`, home: "" };
}

export function gpgSigner(name: string): Signer {
  const home = join(tempDir(), "gnupg");
  mkdirSync(home, { mode: 0o700 });
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", ...args], { stdio: "pipe" });
  gpg("--passphrase", "", "--quick-generate-key", `${name}@example.com`, "ed25519", "sign", "never");
  onTestFinished(() => void execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]));
  const program = join(home, "sign");
  writeFileSync(program, `#!/bin/sh\nexec gpg --homedir ${home} "$@"\n`, { mode: 0o755 });
  const options = ["-c", `gpg.program=${program}`, "-c", `user.signingkey=${name}@example.com`];
  return { options, allowed: "", home };
}

/** Writes a file for ALLOWED_SIGNERS. */
export function allowedSigners(...signers: Signer[]): string {
  const file = join(tempDir(), "signers");
  writeFileSync(file, signers.map(({ allowed }) => allowed).join(""));
  return file;
}

/** Commits on main, signed or not. @param at the commit's date, if not now */
export async function signedPush(
  standin: StandIn,
  repo: Repo,
  by: Signer | null,
  at?: string,
): Promise<Push> {
  const before = plainGit(repo.dir, "rev-parse", "refs/heads/main");
  const after = plainGitWith(
    at ? { GIT_COMMITTER_DATE: at } : {},
    repo.dir,
    ...[...(by?.options ?? []), "commit-tree", ...(by ? ["-S"] : [])],
    ...["-p", before, "-m", `Change ${before}`, `${before}^{tree}`],
  );
  const [push] = await standin.updateRefs(repo, [{ ref: "refs/heads/main", before, after }]);
  return push!;
}

/** Creates a signed tag of main's tip. */
export async function signedTag(standin: StandIn, repo: Repo, name: string, by: Signer): Promise<Push> {
  plainGit(repo.dir, ...by.options, "tag", "-s", "-m", name, name, "refs/heads/main");
  const ref = `refs/tags/${name}`;
  const after = plainGit(repo.dir, "rev-parse", ref);
  plainGit(repo.dir, "update-ref", "-d", ref);
  const [push] = await standin.updateRefs(repo, [{ ref, before: "0".repeat(40), after }]);
  return push!;
}
