import { startLimit } from "../../machine/limit.js";
import { createTail } from "../../machine/tail.js";
import { type ChildCall, type GitOptions, isAnswer, runChild } from "./child.js";
import { failureOf } from "./failure.js";

export interface GitCall extends ChildCall {
  input?: string | Buffer;
}

export interface GitResult {
  code: number;
  stdout: string;
  stderr: string;
}

export type RunGit = (call: GitCall) => Promise<GitResult>;

/**
 * Runs git and collects its output. Every call is hermetic: git sees only the given configuration, hooks,
 * credentials and transports.
 * @throws GitFailure classified from stderr; RefreshError `timeout`, `cancelled`, `no_git`.
 */
export function createGit(options: GitOptions): RunGit {
  return async (call) => {
    const limit = startLimit(call);
    const stdout = createTail(Number.POSITIVE_INFINITY);
    const stderr = createTail(Number.POSITIVE_INFINITY);
    try {
      const code = await runChild(options, call, limit, {
        connect(child) {
          child.stdout.on("data", stdout.add);
          child.stderr.on("data", stderr.add);
          child.stdin.end(call.input);
        },
      });
      if (!isAnswer(call, code)) throw failureOf(call, code, stderr.text());
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    } finally {
      limit.release();
    }
  };
}
