import { asRefreshError } from "../../base/errors.js";
import { prove } from "../objects/connected.js";
import { writeLoose } from "../objects/loose.js";
import { createBudget, LeftToGit } from "../objects/object.js";
import { readPack } from "../objects/received.js";
import { createReadStored } from "../objects/stored.js";
import type { Lease } from "../transport/lease.js";
import { namedAfterServer } from "../transport/remote.js";
import type { MirrorContext } from "./memory.js";
import type { RunContext } from "./options.js";
import { openScratch } from "./scratch.js";

interface Fetch {
  lease: Lease;
  wants: string[];
  bases: string[];
  run: RunContext;
}

/** Of a usual push a few KiB are sent. A longer answer is for git, which streams it to the disk. */
const MAX_PACK_BYTES = 256 * 1024;
/** A mirror whose push was not for this way is likely to get another such push: so many fetches are git's at once. */
const FETCHES_BY_GIT = 10;

/**
 * Fetches a small push without `git fetch`: one request, a pack that is read here, a proof that its commit is there with
 * all that it needs, and loose objects as git writes them. Where the proof needs a longer walk through the history, git
 * walks. The objects are on disk when the call returns.
 * @returns false: nothing was decided, and `git fetch` is to do it
 * @throws RefreshError what a `git fetch` would end with, too: GitHub does not serve the object, or cannot be reached
 */
export async function fetchDirectly(context: MirrorContext, id: number, fetch: Fetch): Promise<boolean> {
  const { byGit } = context.memory;
  const left = byGit.get(id) ?? 0;
  if (left > 1) byGit.set(id, left - 1);
  else byGit.delete(id);
  if (!context.directFetch || left > 0 || fetch.wants.length !== 1 || fetch.bases.length !== 1) return false;
  const isDone = await tryDirectly(context, id, fetch);
  if (!isDone && !fetch.run.signal.aborted) byGit.set(id, FETCHES_BY_GIT);
  return isDone;
}

async function tryDirectly(context: MirrorContext, id: number, fetch: Fetch): Promise<boolean> {
  const { lease, wants, bases, run } = fetch;
  const [want, have] = [wants[0]!, bases[0]!];
  try {
    const { fetchTimeoutMs: stallMs, cloneTimeoutMs } = context;
    const times = { timeoutMs: Math.max(stallMs, cloneTimeoutMs), stallMs };
    const pack = await lease.pack({ want, have, ...times, maxBytes: MAX_PACK_BYTES }, run.signal);
    if (pack === null) return false;
    const objects = `${context.layout.mirror(id)}/objects`;
    const budget = createBudget();
    const readStored = createReadStored(objects, budget);
    const received = await readPack(pack, budget, readStored);
    const proof = await prove(received, { want, base: have, readStored });
    await writeLoose(objects, proof.isProven ? proof.needed : received);
    if (!proof.isProven) await walkByGit(context, id, fetch);
    return true;
  } catch (error) {
    if (error instanceof LeftToGit) return false;
    const failure = asRefreshError(error);
    // git asks once more, and says what is wrong: an answer that is none, or a mirror that lacks something.
    const asksAgain = ["upstream_error", "corrupt", "git"].includes(failure.code);
    if (asksAgain && failure.retry.kind !== "after") return false;
    throw namedAfterServer(lease, failure);
  }
}

/** Walks from the commit to the base, as `git fetch` does. @throws GitFailure `corrupt` when something is missing */
async function walkByGit(
  { git, layout, fetchTimeoutMs }: MirrorContext,
  id: number,
  { wants, bases, run }: Fetch,
): Promise<void> {
  const scratch = await openScratch(layout.repository(id), bases);
  try {
    const objectDir = `${layout.mirror(id)}/objects`;
    const call = { gitDir: scratch.dir, objectDir, timeoutMs: fetchTimeoutMs, signal: run.signal };
    // git rev-list --objects --quiet --stdin --not --glob=refs/base/*
    const args = ["rev-list", "--objects", "--quiet", "--stdin", "--not", "--glob=refs/base/*"];
    await git({ ...call, args, input: `${wants.join("\n")}\n` });
  } finally {
    scratch.close();
  }
}
