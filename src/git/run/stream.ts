import { finished, PassThrough, type Readable } from "node:stream";
import { startLimit } from "../../machine/limit.js";
import { createTail } from "../../machine/tail.js";
import { type ChildCall, type GitOptions, isAnswer, runChild } from "./child.js";
import { failureOf } from "./failure.js";

export interface StreamCall extends ChildCall {
  /** A stream is read at git's pace and stays its owner's: git need not read all of it. Default: nothing. */
  input?: string | Buffer | Readable;
}

export interface GitStream {
  /**
   * What git writes, at the reader's pace. It ends when git has said all and has not failed, otherwise it
   * is destroyed with the error of `done`. Destroying it ends git.
   */
  stdout: Readable;
  /**
   * The exit code, once git has ended and all but the last few KiB of stdout have been read.
   * Rejects as the collecting run does, and with `cancelled` when the reader or the input goes away.
   */
  done: Promise<number>;
}

export type StreamGit = (call: StreamCall) => GitStream;

/** Of stderr; the reason of a failure is at its end. */
const MAX_STDERR = 64 * 1024;

/** Runs git like `createGit`, and hands its output out while it runs. Neither output nor input is kept in memory. */
export function createStreamGit(options: GitOptions): StreamGit {
  return (call) => {
    const stdout = new PassThrough();
    const done = pump(options, call, stdout);
    done.then(
      () => stdout.end(),
      (error) => stdout.destroy(error),
    );
    // Who reads one of the two need not look at the other.
    stdout.on("error", () => {});
    return { stdout, done };
  };
}

async function pump(options: GitOptions, call: StreamCall, output: PassThrough): Promise<number> {
  const limit = startLimit(call);
  const stderr = createTail(MAX_STDERR);
  const { input } = call;
  const abandon = () => limit.end("abandoned");
  output.once("close", abandon);
  const forget = isStream(input) ? finished(input, { writable: false }, (error) => error && abandon()) : null;
  try {
    const code = await runChild(options, call, limit, {
      connect(child) {
        child.stdout.pipe(output, { end: false });
        output.once("close", () => child.stdout.destroy());
        child.stderr.on("data", stderr.add);
        if (isStream(input)) input.pipe(child.stdin);
        else child.stdin.end(input);
      },
      isBusy: () => output.writableNeedDrain,
    });
    if (!isAnswer(call, code)) throw failureOf(call, code, stderr.text());
    return code;
  } finally {
    limit.release();
    output.off("close", abandon);
    forget?.();
  }
}

const isStream = (input: StreamCall["input"]): input is Readable =>
  typeof input === "object" && !Buffer.isBuffer(input);
