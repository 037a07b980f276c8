import { finished, PassThrough, type Readable } from "node:stream";
import { startLimit } from "../../machine/limit.js";
import { createTail } from "../../machine/tail.js";
import { type ChildCall, type GitOptions, isAnswer, runChild } from "./child.js";
import { failureOf } from "./failure.js";

export interface StreamCall extends ChildCall {
  /**
   * A stream is read at git's pace and is closed by its owner: git need not read all of it. Default: nothing.
   */
  input?: string | Buffer | Readable;
}

export interface GitStream {
  /**
   * git's output, at the reader's pace. The stream ends when git has written everything and has not failed;
   * otherwise the stream is destroyed with the error of `done`. Destroying the stream ends git.
   */
  stdout: Readable;
  /**
   * Resolves to the exit code, once git has ended and all but the last few KiB of stdout have been read.
   * Rejects as the collecting run does, and with `cancelled` when the reader or the input goes away.
   */
  done: Promise<number>;
}

export type StreamGit = (call: StreamCall) => GitStream;

/** The number of bytes kept of stderr; the reason of a failure is at its end. */
const MAX_STDERR = 64 * 1024;

/**
 * Runs git like `createGit`, but passes its output on while git runs. Neither output nor input is kept in
 * memory.
 */
export function createStreamGit(options: GitOptions): StreamGit {
  return (call) => {
    const stdout = new PassThrough();
    const done = pump(options, call, stdout);
    done.then(
      () => stdout.end(),
      (error) => stdout.destroy(error),
    );
    // A caller who reads only `done` need not handle errors of `stdout`.
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
