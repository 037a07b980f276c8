import { type Attached, attach } from "./attach.js";
import { CallLines } from "./lines.js";
import { OPERATION_CALLS, type Operation, Operations } from "./operations.js";

/** Calls that change nothing by themselves, or nothing that a power cut can spoil. */
const HARMLESS = /^(?:lseek|chdir|fchdir|chmod|fchmod|fchmodat)$/;
const HELD = OPERATION_CALLS.filter((name) => !HARMLESS.test(name)).join(",");
/** Time enough to read strace's line and to send SIGKILL. */
const HELD_US = 5_000;

/**
 * Holds a process, and all that it starts, for some milliseconds after each call that may change a disk, so that whoever
 * kills it then kills it exactly there: strace -e inject=…:delay_exit=5000. (strace counts `when=N` for each thread alone,
 * and a refresh has many.)
 * @param report hears what the call did to files below `dir`, while the thread is held
 */
export function holdAtCalls(
  pid: number,
  dir: string,
  report: (operation: Operation) => void,
): Promise<Attached> {
  const lines = new CallLines();
  const operations = new Operations();
  const args = ["-s", "0", "-e", `trace=${HELD},chdir,fchdir`, "-e", `inject=${HELD}:delay_exit=${HELD_US}`];
  return attach(pid, args, (line) => {
    const call = lines.read(line);
    for (const operation of call === null ? [] : operations.of(call).slice(-1))
      if (isBelow(dir, operation)) report(operation);
  });
}

/** A sync of the whole file system has no path. */
const isBelow = (dir: string, operation: Operation): boolean =>
  operation.kind === "sync-all" || ("path" in operation && operation.path.startsWith(`${dir}/`));
