import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../tools/package-root.js";

/**
 * What readers do, in the words of docs/serving.md. Each program has a small client that does one step at a time, as
 * `client STEP URL DIR [ARGUMENT]`, with READER_USER and READER_PASSWORD: `list` prints refs, `clone` and `shallow` make
 * a clone with all branches or with one commit, `fetch` brings its branches up to date, `deepen` makes its history as
 * deep as the argument says, `single` clones one branch alone, `sha` fetches a commit into refs/heads/fetched of a new
 * repository, `filter` clones without what the argument says and without files, and `files` then makes them.
 */
export const STEPS = [
  "list",
  "clone",
  "tags",
  "fetch",
  "shallow",
  "deepen",
  "filter",
  "single",
  "sha",
] as const;
export type Step = (typeof STEPS)[number];

export interface Program {
  /** As in docs/serving.md. */
  name: string;
  can: readonly Step[];
  /** The program that does the steps, and its first arguments. */
  command: readonly string[];
  env: Record<string, string>;
  /** Succeeds where the program is there. */
  probe: readonly string[];
  /** Makes the program in a directory. @returns its command */
  build?(dir: string): Promise<string[]>;
}

const at = (path: string): string => join(packageRoot(), "test/clients", path);

const git = (name: string, binary: string, protocol: number): Program => ({
  name: `${name}, version ${protocol}`,
  can: STEPS,
  command: ["sh", at("git/client.sh")],
  env: { READER_GIT: binary, READER_PROTOCOL: String(protocol) },
  probe: [binary, "--version"],
});

/** Debian's packages are for Debian's own Python. */
const PYTHON = "/usr/bin/python3";

const SHALLOW = ["list", "clone", "tags", "fetch", "shallow", "deepen", "single", "sha"] as const;

export const PROGRAMS: readonly Program[] = [
  ...[0, 2].map((protocol) => git("git", "git", protocol)),
  {
    name: "JGit",
    can: ["list", "clone", "tags", "fetch", "single"],
    command: ["sh", at("jgit/client.sh")],
    env: {},
    probe: ["sh", at("jgit/client.sh"), "version", ""],
  },
  {
    name: "dulwich",
    can: SHALLOW,
    command: [PYTHON, at("dulwich/client.py")],
    env: {},
    probe: [PYTHON, "-c", "import dulwich"],
  },
  {
    name: "pygit2",
    can: ["list", "clone", "tags", "fetch", "single", "sha"],
    command: [PYTHON, at("pygit2/client.py")],
    env: {},
    probe: [PYTHON, "-c", "import pygit2"],
  },
  {
    name: "go-git",
    can: ["list", "clone", "tags", "fetch", "shallow", "single", "sha"],
    command: [],
    env: {},
    probe: ["go", "version"],
    async build(dir) {
      const binary = join(dir, "go-git");
      const env = {
        PATH: process.env.PATH,
        HOME: dir,
        // Debian's packages of Go libraries are a GOPATH; without modules nothing is downloaded.
        GOPATH: "/usr/share/gocode",
        GO111MODULE: "off",
        GOCACHE: join(packageRoot(), ".build/go-cache"),
      };
      const args = ["build", "-o", binary, at("go-git/client.go")];
      await promisify(execFile)("go", args, { env: env as NodeJS.ProcessEnv });
      return [binary];
    },
  },
  {
    name: "isomorphic-git",
    can: SHALLOW,
    command: [process.execPath, at("isomorphic-git/client.mjs")],
    env: {},
    probe: [],
  },
  {
    name: "es-git",
    can: SHALLOW.filter((step) => step !== "list"),
    command: [process.execPath, at("es-git/client.mjs")],
    env: {},
    probe: [],
  },
];

/** @throws Error which says how the program is installed */
export function requireProgram({ name, probe }: Pick<Program, "name" | "probe">): void {
  const [program, ...args] = probe;
  if (program === undefined) return;
  try {
    execFileSync(program, args, { stdio: "pipe" });
  } catch (error) {
    const message = `${name} is not here: npm run test:setup installs it from Debian, as root`;
    throw new Error(message, { cause: error });
  }
}
