import { execFile, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { promisify } from "node:util";

/** One commit has so many files; packed, they take about 12 MB. */
const FILES = 3_000;
const CHANGED_FILES = 40;
/** What git's compression leaves of a file. */
const PACKED_BYTES = 4_000;
const LINES = 200;
const WORDS = Array.from({ length: 2_000 }, () => randomBytes(1 + randomInt(6)).toString("base64url"));

const data = (text: string): string => `data ${text.length}\n${text}\n`;
const line = (): string => Array.from({ length: 8 }, () => WORDS[randomInt(WORDS.length)]).join(" ");
const pathOf = (file: number): string => `dir-${file % 100}/file-${file}.txt`;

/** Files as people write them: a change is one of a few lines. */
class Files {
  readonly #lines = new Map<number, string[]>();

  change(file: number): string {
    const lines = this.#lines.get(file) ?? Array.from({ length: LINES }, line);
    for (let n = 0; n < 3; n++) lines[randomInt(LINES)] = line();
    this.#lines.set(file, lines);
    return lines.join("\n");
  }
}

/** A branch for each of the newest commits, so that readers can ask for tips, too. */
export const BRANCHES = 20;
export const branchOf = (n: number): string => `step-${n}`;

/** Writes a bare repository whose branch main has about so many megabytes of history, packed. */
export async function writeHistory(dir: string, megabytes: number): Promise<void> {
  const git = (...args: string[]) => promisify(execFile)("git", args);
  await git("init", "--quiet", "--bare", "--initial-branch=main", dir);
  const child = spawn("git", ["fast-import", "--quiet"], {
    cwd: dir,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const ended = once(child, "close");
  const write = async (text: string) => void (child.stdin.write(text) || (await once(child.stdin, "drain")));
  const left = megabytes * 1_000_000 - FILES * PACKED_BYTES;
  const commits = 1 + Math.max(100, Math.ceil(left / (CHANGED_FILES * PACKED_BYTES)));
  const files = new Files();
  for (let commit = 0; commit < commits; commit++) {
    const who = `committer Mona <mona@example.com> ${1_700_000_000 + commit * 60} +0000\n`;
    await write(`commit refs/heads/main\n${who}${data(`Change ${commit}`)}`);
    const count = commit === 0 ? FILES : CHANGED_FILES;
    for (let n = 0; n < count; n++) {
      const file = (commit * CHANGED_FILES + n) % FILES;
      await write(`M 100644 inline ${pathOf(file)}\n${data(files.change(file))}`);
    }
  }
  child.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
  for (let n = 0; n < BRANCHES; n++) await git("--git-dir", dir, "branch", branchOf(n), `main~${n}`);
}
