import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { loadSurroundings } from "../config/load.js";
import { createGit, type RunGit } from "../git/run/exec.js";
import { createProcesses } from "../machine/processes.js";
import { type Finding, fail, ok, warn } from "./finding.js";
import { parseGitVersion, unfixed } from "./git-fixes.js";

export type Surroundings = ReturnType<typeof loadSurroundings>;

/** Node.js 20 got its last fixes on 2026-04-30: https://github.com/nodejs/release#release-schedule */
const OLDEST_KEPT_NODE = 22;
const UPGRADE_GIT = "install git 2.38 or newer, or name another one in GIT_BINARY";

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [^-]*-----/g;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const isEnough = major >= 22 || (major === 20 && (minor > 18 || (minor === 18 && patch >= 1)));
  const upgrade = "run Lockstep with the newest LTS of Node.js";
  if (!isEnough) return fail("node", `${version} is older than 20.18.1 or not an LTS release`, upgrade);
  return major < OLDEST_KEPT_NODE
    ? warn("node", `${version} no longer gets security fixes`, upgrade)
    : ok("node", version);
}

export async function checkGit({ gitBinary, searchPath }: Surroundings): Promise<Finding> {
  const dir = await mkdtemp(join(tmpdir(), "lockstep-doctor-"));
  try {
    const git = createGit({ binary: gitBinary, path: searchPath, processes: createProcesses(dir) });
    return await checkStartedGit(git, { gitBinary, searchPath });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function checkStartedGit(
  git: RunGit,
  { gitBinary, searchPath }: Pick<Surroundings, "gitBinary" | "searchPath">,
): Promise<Finding> {
  try {
    // The text is the output of git --version.
    const { stdout } = await git({ args: ["--version"], gitDir: null, timeoutMs: 10_000 });
    return judgeGit(stdout.trim().replace(/^git version /, ""), gitBinary);
  } catch (error) {
    const where = gitBinary.includes("/") ? gitBinary : `${gitBinary} in PATH=${searchPath}`;
    return fail("git", `${where} cannot be started (${(error as Error).message})`, UPGRADE_GIT);
  }
}

export function judgeGit(text: string, binary = "git"): Finding {
  const version = parseGitVersion(text);
  if (!version || version.major * 1000 + version.line < 2038)
    return fail("git", `${binary} is ${text}, older than 2.38`, UPGRADE_GIT);
  const open = unfixed(version);
  if (open.length === 0) return ok("git", text);
  const remedy = "upgrade git, unless the changelog of your distribution's package lists these fixes";
  return warn("git", `${text} is older than the fixes for ${open.join(", ")}`, remedy);
}

export function checkProxies({ proxies, extraCertificates }: Surroundings): Finding[] {
  const set = proxies.filter(({ value }) => value !== "");
  const found = set.map(({ name, value }) => {
    if (name === "NO_PROXY") return ok("proxy", `NO_PROXY: ${value}`);
    if (URL.canParse(value)) return ok("proxy", `${name}: ${new URL(value).origin}`);
    return fail("proxy", `${name} is not a valid URL`, "write it as http://proxy.example.com:3128");
  });
  return extraCertificates ? [...found, checkCertificates(extraCertificates)] : found;
}

/** Node.js ignores a file that it cannot use, with a warning that nobody reads. @param file NODE_EXTRA_CA_CERTS */
export function checkCertificates(file: string): Finding {
  const wrong = (why: string, remedy: string) =>
    fail("certificates", `NODE_EXTRA_CA_CERTS: ${file} ${why}`, remedy);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return wrong(`cannot be read (${code})`, "correct the path, or the permissions of the file");
  }
  const blocks = text.match(CERTIFICATE) ?? [];
  const remedy = "write certificates into it in PEM form, -----BEGIN CERTIFICATE-----";
  if (blocks.length === 0) return wrong("has no certificate", remedy);
  const broken = blocks.findIndex((block) => !isCertificate(block));
  if (broken >= 0) return wrong(`has a broken certificate, number ${broken + 1} of ${blocks.length}`, remedy);
  return ok("certificates", `NODE_EXTRA_CA_CERTS: ${file}`);
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}
