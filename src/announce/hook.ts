import { NotAccepted } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type Announcement, type RefChange, ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { RunProgram } from "../machine/programs.js";
import type { Consumer } from "./consumer.js";

interface Options {
  /** The absolute path of ANNOUNCE_HOOK. */
  file: string;
  timeoutMs: number;
  /** PATH is the only variable of Lockstep's environment that the hook sees. */
  searchPath: string;
  /** The working directory of the hook. */
  dataDir: string;
  runProgram: RunProgram;
  log: Log;
}

const MAX_OUTPUT = 16 * 1024;
const AT_A_TIME = 4;

/** Each ref is one call. A new or rebuilt mirror, a list that was cut, or an event of a life, is one call without a ref. */
const isWhole = ({ type, truncated, trigger }: Announcement) =>
  type === "cloned" || truncated || trigger === null;

/** A ref whose tree is being published has its call when that has ended. Two links may lead to trees of one ref. */
function changesOf({ changes, publishing, checkouts, refused }: Announcement): RefChange[] {
  const later = new Set(publishing);
  const all = [...changes.filter(({ ref }) => !later.has(ref)), ...checkouts, ...refused];
  return [...new Map(all.reverse().map((change) => [change.ref, change])).values()].reverse();
}

/** Calls ANNOUNCE_HOOK, an operator's program, once for each changed ref. */
export function createHook(options: Options): Consumer {
  const { file, timeoutMs, dataDir: cwd, runProgram, log } = options;

  async function deliver(event: Announcement, part: number, signal: AbortSignal): Promise<void> {
    if (!isWhole(event) && changesOf(event).length === 0) return;
    const env = environment(event, part, options.searchPath);
    const input = `${JSON.stringify(event)}\n`;
    const call = { file, args: [], cwd, env, input, timeoutMs, maxOutputBytes: MAX_OUTPUT, signal };
    const {
      code,
      signal: by,
      timedOut,
      output,
    } = await runProgram(call).catch((error: Error) => {
      throw new NotAccepted(`the hook could not be started: ${error.message}`);
    });
    const about = { eventId: event.id, repository: env.LOCKSTEP_REPOSITORY, ref: env.LOCKSTEP_REF, output };
    if (code === 0 && !timedOut) return log.debug({ event: "hook_finished", ...about }, "hook finished");
    if (!signal.aborted)
      log.warn({ event: "hook_failed", ...about, code, signal: by, timedOut }, "hook failed");
    if (timedOut) throw new NotAccepted(`the hook was stopped after ${timeoutMs} ms`);
    throw new NotAccepted(by ? `the hook was killed by ${by}` : `the hook exited with ${code}`);
  }

  return {
    key: "hook",
    shown: "hook",
    atATime: AT_A_TIME,
    isShared: false,
    parts: (event) => (isWhole(event) ? 1 : changesOf(event).length),
    deliver,
  };
}

function environment(event: Announcement, part: number, path: string): Record<string, string> {
  const { id, repository, checkouts, mirror } = event;
  const change = isWhole(event) ? undefined : changesOf(event)[part];
  const { ref, before, after } = change ?? { ref: "", before: ZERO, after: ZERO };
  return {
    PATH: path,
    LOCKSTEP_EVENT_ID: String(id),
    LOCKSTEP_EVENT_TYPE: event.type,
    LOCKSTEP_REPOSITORY: fullName(repository),
    LOCKSTEP_REPOSITORY_ID: String(repository.id),
    LOCKSTEP_REF: ref,
    LOCKSTEP_BEFORE: before,
    LOCKSTEP_AFTER: after,
    LOCKSTEP_MIRROR: mirror,
    LOCKSTEP_CHECKOUT: checkouts.find((checkout) => checkout.ref === ref)?.path ?? "",
  };
}
