import { startLimit } from "../../machine/limit.js";
import { createTail } from "../../machine/tail.js";
import { type ChildCall, type GitOptions, isAnswer, type Plumbing, runChild } from "./child.js";
import { failureOf } from "./failure.js";
import { collectText, type OutputText } from "./output.js";
import { toText } from "./ref-names.js";

/** What a caller says to a running git, and hears from it. */
export interface Dialogue {
  write(bytes: string | Buffer): void;
  /** Resolves once git has printed the text. @throws Error when git ends before */
  printed(text: string): Promise<void>;
}

export interface GitCall extends ChildCall {
  input?: string | Buffer;
  /**
   * Takes each line of stdout as git prints it, without its end; the result's stdout is then empty. A line may have
   * names of refs, so that a byte that is not UTF-8 is written `\351`. Default: such a byte becomes U+FFFD.
   */
  takeLine?(line: string): void;
  /**
   * Talks to git while git runs, in place of `input`; git's input ends when the promise settles. When the
   * promise rejects and git has not failed, the run rejects with the same error.
   */
  converse?(dialogue: Dialogue): Promise<void>;
}

export interface GitResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * The number of bytes kept of stderr, where git passes on whatever a server says. The reason of a failure is at its end.
 */
const MAX_STDERR = 2 ** 20;

export type RunGit = (call: GitCall) => Promise<GitResult>;

/**
 * Runs git and collects its output. Every call is hermetic: git sees only the given configuration, hooks,
 * credentials and transports.
 * @throws GitFailure classified from stderr; RefreshError `timeout`, `cancelled`, `no_git`.
 */
export function createGit(options: GitOptions): RunGit {
  return async (call) => {
    const limit = startLimit(call);
    const stdout = collectText(call.takeLine ? toText : toUtf8, call.takeLine);
    const stderr = createTail(MAX_STDERR);
    let talk: Promise<unknown> = Promise.resolve(null);
    try {
      const code = await runChild(options, call, limit, {
        connect(child) {
          child.stdout.on("data", stdout.add);
          child.stderr.on("data", stderr.add);
          if (call.converse) talk = converse(child, call.converse, stdout);
          else child.stdin.end(bytesOf(call.input));
        },
      });
      // git's messages name refs.
      const said = toText(stderr.bytes());
      if (!isAnswer(call, code)) throw failureOf(call, code, said);
      const fault = await talk;
      if (fault !== null) throw fault;
      return { code, stdout: stdout.end(), stderr: said };
    } finally {
      limit.release();
    }
  };
}

const toUtf8 = (bytes: Buffer): string => bytes.toString("utf8");

/** A long string would be encoded while the process writes it, and so at once. */
const bytesOf = (input: GitCall["input"]) => (typeof input === "string" ? Buffer.from(input) : input);

/** @returns why the conversation failed, which may be that git has failed; null: it succeeded */
async function converse(
  child: Parameters<Plumbing["connect"]>[0],
  talk: (dialogue: Dialogue) => Promise<void>,
  stdout: OutputText,
): Promise<unknown> {
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const check = () => {
        if (stdout.text().includes(text)) resolve();
      };
      child.stdout.on("data", check);
      child.stdout.once("close", () => reject(new Error(`git ended before it printed ${text.trim()}`)));
      check();
    });
  try {
    await talk({ write: (bytes) => void child.stdin.write(bytes), printed });
    return null;
  } catch (error) {
    return error;
  } finally {
    child.stdin.end();
  }
}
