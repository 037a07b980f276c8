import { join } from "node:path";
import { asRefreshError } from "../../base/errors.js";
import { clearLeftovers } from "../disk/heal.js";
import { extentOf } from "../disk/layout.js";
import { writeInParts } from "../run/parts.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import { fetchDirectly } from "./direct-fetch.js";
import type { MirrorContext } from "./memory.js";
import { keepObjects, SYNC_OBJECTS } from "./objects.js";
import type { RunContext } from "./options.js";
import { asking, dropMarks, requireFetchedTrees } from "./partial.js";
import { openScratch, type Scratch } from "./scratch.js";
import { lendShallow, takeShallow } from "./shallow.js";

/** With more refspecs than this they go through stdin, not the command line. */
const MAX_ARGUMENTS = 50;

/**
 * Brings objects, by object name. The objects are on disk when the call returns. Two fetches may run at once.
 * @param bases what GitHub may build on
 */
export async function fetchObjects(
  context: MirrorContext,
  id: number,
  lease: Lease,
  wants: string[],
  bases: string[],
  run: RunContext,
): Promise<void> {
  const { filter, depth } = extentOf(context.layout.mirror(id));
  const isWhole = filter === null && depth === null;
  const fetch = () =>
    clearingUp(context, id, async (onRetry) => {
      if (isWhole && (await fetchDirectly(context, id, { lease, wants, bases, run }))) return;
      await fetchNow(context, id, { lease, wants, bases, run, onRetry });
    });
  // The shallow file and the marks of a partial mirror are written after git has ended.
  return isWhole ? fetch() : context.memory.fetches(id, run.signal, fetch);
}

interface Fetch {
  lease: Lease;
  wants: string[];
  bases: string[];
  run: RunContext;
  onRetry(): void;
}

/** A git that failed, and was run once more, may have left files; they are removed when no other fetch runs beside it. */
async function clearingUp(
  { layout, memory: { fetching } }: MirrorContext,
  id: number,
  fetch: (onRetry: () => void) => Promise<void>,
): Promise<void> {
  const running = fetching.get(id) ?? { count: 0, hasLeft: false };
  fetching.set(id, running);
  running.count += 1;
  try {
    await fetch(() => {
      running.hasLeft = true;
    });
  } finally {
    running.count -= 1;
    if (running.count === 0) {
      fetching.delete(id);
      if (running.hasLeft) await clearLeftovers(join(layout.mirror(id), "objects"));
    }
  }
}

async function fetchNow(context: MirrorContext, id: number, fetch: Fetch): Promise<void> {
  const { layout, memory } = context;
  const { bases } = fetch;
  const scratch = await openScratch(layout.repository(id), bases);
  try {
    const mirror = layout.mirror(id);
    lendShallow(mirror, scratch.dir);
    await keepObjects(mirror, scratch, () => fetchInto(context, mirror, scratch, fetch));
  } catch (error) {
    // An interrupted answer leaves part of a pack, which must be cleared before the mirror's next use.
    if (!asRefreshError(error).is("isAnswer")) memory.tips.delete(id);
    throw error;
  } finally {
    scratch.close();
  }
}

async function fetchInto(
  { git, fetchTimeoutMs, cloneTimeoutMs }: MirrorContext,
  mirror: string,
  scratch: Scratch,
  { lease, wants, run, onRetry }: Fetch,
): Promise<void> {
  const extent = extentOf(mirror);
  const ask = asking(lease, extent);
  const byArgument = wants.length <= MAX_ARGUMENTS;
  const call = {
    gitDir: scratch.dir,
    objectDir: `${mirror}/objects`,
    // A fetch after a long absence is as large as a clone.
    timeoutMs: Math.max(fetchTimeoutMs, cloneTimeoutMs),
    signal: run.signal,
  };
  // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git fetch --progress <url> <want>… makes no refs, and
  // succeeds only when each want is there with all that it needs (check_connected in git's builtin/fetch.c).
  await askRemote(git, lease, {
    ...call,
    onRetry,
    stallMs: fetchTimeoutMs,
    config: { ...ask.config, ...SYNC_OBJECTS },
    args: [
      "fetch",
      "--progress",
      ...ask.options,
      ...(byArgument ? [ask.from, ...wants] : ["--stdin", ask.from]),
    ],
    ...(byArgument ? {} : { converse: ({ write }) => writeInParts(write, wants, "\n") }),
  });
  if (extent.filter !== null) {
    dropMarks(mirror);
    await requireFetchedTrees(git, call, wants);
  }
  if (extent.depth !== null) await takeShallow(scratch.dir, mirror);
}
