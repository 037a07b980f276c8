import { asRefreshError } from "../../base/errors.js";
import { extentOf } from "../disk/layout.js";
import { writeInParts } from "../run/parts.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
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
  const fetch = () => fetchNow(context, id, lease, wants, bases, run);
  const { filter, depth } = extentOf(context.layout.mirror(id));
  // The shallow file and the marks of a partial mirror are written after git has ended.
  if (filter === null && depth === null) return fetch();
  return context.memory.fetches(id, run.signal, fetch);
}

async function fetchNow(
  context: MirrorContext,
  id: number,
  lease: Lease,
  wants: string[],
  bases: string[],
  run: RunContext,
): Promise<void> {
  const { layout, memory } = context;
  const scratch = await openScratch(layout.repository(id), bases);
  try {
    const mirror = layout.mirror(id);
    lendShallow(mirror, scratch.dir);
    await keepObjects(mirror, scratch, () => fetchInto(context, mirror, scratch, lease, wants, run));
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
  lease: Lease,
  wants: string[],
  run: RunContext,
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
