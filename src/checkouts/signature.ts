import type { GitCall, RunGit } from "../git/run/exec.js";
import { GitFailure } from "../git/run/failure.js";
import { type Candidate, MAX_OUTPUT, type Verdict } from "./candidate.js";

/** VERIFY_SIGNATURES says whose signatures count. */
export type Signers = { kind: "ssh"; file: string } | { kind: "openpgp"; home: string };

interface SignatureTools {
  git: RunGit;
  signers: Signers;
}

const VERIFY_TIMEOUT_MS = 60_000;
/** A signature of another kind than the policy's never counts. */
const NO_OTHER_PROGRAM = "/bin/false";

/** @returns null when one of the signers signed the commit, or the tag that leads to the commit */
export async function verifySignature(
  tools: SignatureTools,
  { mirror, ref, tip, sha }: Candidate,
): Promise<Verdict> {
  const tag = tip === sha ? null : await verifyTag(tools, mirror, ref, tip);
  if (tip !== sha && tag === null) return null;
  const commit = await verify(tools, mirror, ["verify-commit", sha]);
  return commit && tag?.reason === "untrusted" ? tag : commit;
}

/**
 * The signed tag's name is compared too, because anyone with push access can move an old release's tag to a
 * new ref.
 */
async function verifyTag(tools: SignatureTools, mirror: string, ref: string, tag: string): Promise<Verdict> {
  const verdict = await verify(tools, mirror, ["verify-tag", tag]);
  if (verdict) return verdict;
  // git cat-file tag <tag> prints the object, the type and the tag's name.
  const args = ["cat-file", "tag", tag];
  const { stdout } = await tools.git({ args, gitDir: mirror, timeoutMs: VERIFY_TIMEOUT_MS });
  const [, name = ""] = /^object .+\ntype .+\ntag (.+)\n/.exec(stdout) ?? [];
  if (ref === `refs/tags/${name}`) return null;
  const output = `the tag at ${ref} is signed as ${JSON.stringify(name)}`;
  return { reason: "untrusted", output: output.slice(0, MAX_OUTPUT) };
}

async function verify({ git, signers }: SignatureTools, mirror: string, args: string[]): Promise<Verdict> {
  const call: GitCall = { args, gitDir: mirror, timeoutMs: VERIFY_TIMEOUT_MS, ...policyOf(signers) };
  try {
    // The commands are git verify-commit <commit> and git verify-tag <tag>.
    await git(call);
    return null;
  } catch (error) {
    if (!(error instanceof GitFailure) || error.code !== "git") throw error;
    const { message, stderr } = error;
    // git prints nothing when a commit has no signature.
    const isUnsigned = stderr === "" || /no signature found/.test(stderr);
    return { reason: isUnsigned ? "unsigned" : "untrusted", output: message.slice(0, MAX_OUTPUT) };
  }
}

/** git-config(1) documents gpg.<format>.program and gpg.ssh.allowedSignersFile. */
function policyOf(signers: Signers): Pick<GitCall, "config" | "gnupgHome"> {
  const none = Object.fromEntries(
    ["openpgp", "x509", "ssh"].map((format) => [`gpg.${format}.program`, NO_OTHER_PROGRAM]),
  );
  if (signers.kind === "openpgp")
    return { config: { ...none, "gpg.openpgp.program": "gpg" }, gnupgHome: signers.home };
  const program = { "gpg.ssh.program": "ssh-keygen", "gpg.ssh.allowedSignersFile": signers.file };
  return { config: { ...none, ...program } };
}
