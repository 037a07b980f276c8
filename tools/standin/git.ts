import { type ChildProcess, spawn } from "node:child_process";

export interface GitOptions {
  input?: string | Buffer;
  env?: NodeJS.ProcessEnv;
  /** Exit codes that are answers and not failures. */
  expect?: number[];
}

export interface GitResult {
  code: number;
  stdout: string;
}

/** Neither the caller's configuration nor a surrounding repository may change what git does here. */
export function hermeticEnv(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Mona",
    GIT_AUTHOR_EMAIL: "mona@example.com",
    GIT_COMMITTER_NAME: "Mona",
    GIT_COMMITTER_EMAIL: "mona@example.com",
  };
}

/** Runs git and knows every git that is still running. */
export class Git {
  readonly #children = new Set<ChildProcess>();

  track(child: ChildProcess): void {
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
  }

  killAll(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  run(dir: string, args: string[], options: GitOptions = {}): Promise<GitResult> {
    const child = spawn("git", args, { cwd: dir, env: options.env ?? hermeticEnv() });
    this.track(child);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A git that exits without reading its input breaks the pipe; its exit code says why.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        const text = Buffer.concat(stdout).toString();
        if (code !== null && (options.expect ?? [0]).includes(code)) return resolve({ code, stdout: text });
        const why = Buffer.concat(stderr).toString().trim();
        reject(new Error(`git ${args.slice(0, 3).join(" ")} failed (${signal ?? code}): ${why}`));
      });
    });
  }

  async line(dir: string, args: string[], options?: GitOptions): Promise<string> {
    return (await this.run(dir, args, options)).stdout.trim();
  }
}
