import { join } from "node:path";
import PQueue from "p-queue";
import { asRefreshError, RefreshError } from "../base/errors.js";
import { asMessage } from "../base/message.js";
import type { Lfs, LfsDownload, LfsLocation } from "../git/transport/lfs.js";
import type { Target } from "../git/transport/upstream.js";
import type { ObjectFiles } from "./files.js";
import type { LfsRecords, NamedObject } from "./records.js";

export interface DownloadPorts {
  lfs: Pick<Lfs, "ask" | "download">;
  records: Pick<LfsRecords, "due" | "stored" | "refused">;
  /** @param largest what needs the most of the bytes @throws RefreshError `disk_low`, `disk_full` */
  requireSpace(bytes: number, largest: string): void;
  /** Returns where the repository is at GitHub; null: nothing more of it is wanted. */
  targetOf(id: number): Target | null;
  /** The time for one batch, in milliseconds. */
  timeoutMs: number;
  now(): number;
}

/** A client sends at most 100 objects: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
const BATCH = 100;
/** Half of what git-lfs downloads at a time, because checkouts and readers want theirs meanwhile. */
const AT_A_TIME = 4;
const HOUR_MS = 3_600_000;
const MAX_WAIT_MS = 24 * HOUR_MS;

/** What GitHub does not give may have been pushed without its object, which may still come. */
const againAfterMs = (tries: number): number => Math.min(MAX_WAIT_MS, HOUR_MS * 2 ** Math.min(tries - 1, 10));

/**
 * Downloads what is missing and due. An object that GitHub does not give stops no other one.
 * @returns how many objects came
 * @throws RefreshError what keeps all objects from coming; those that came before it are kept
 */
export async function downloadDue(
  ports: DownloadPorts,
  id: number,
  files: ObjectFiles,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (;;) {
    const target = ports.targetOf(id);
    const due = target ? ports.records.due(id, ports.now(), BATCH) : [];
    if (!target || due.length === 0) return count;
    const deadline = AbortSignal.timeout(ports.timeoutMs);
    try {
      const within = AbortSignal.any([signal, deadline]);
      count += await downloadBatch(ports, { id, target, files, signal: within }, due);
    } catch (error) {
      if (signal.aborted) throw new RefreshError("cancelled", "downloads of Git LFS were cancelled");
      if (deadline.aborted)
        throw new RefreshError("timeout", `Git LFS took longer than ${ports.timeoutMs} ms`);
      throw asRefreshError(error);
    }
  }
}

interface Batch {
  id: number;
  target: Target;
  files: ObjectFiles;
  signal: AbortSignal;
}

async function downloadBatch(ports: DownloadPorts, batch: Batch, due: NamedObject[]): Promise<number> {
  const { id, target, files, signal } = batch;
  const here: string[] = [];
  const absent: NamedObject[] = [];
  for (const object of due) {
    if (await files.has(object)) here.push(object.oid);
    else absent.push(object);
  }
  ports.records.stored(id, here, ports.now());
  if (absent.length === 0) return 0;
  const largest = absent.reduce((most, one) => (one.size > most.size ? one : most));
  const bytes = absent.reduce((total, { size }) => total + size, 0);
  ports.requireSpace(bytes, `the LFS object ${largest.oid} of ${largest.size} bytes`);
  const locations = await ports.lfs.ask(target, { objects: absent, authorization: null, signal });
  await files.prepare();
  try {
    const came = await downloadAll(ports, batch, absent, locations);
    await files.take(came);
    ports.records.stored(id, came, ports.now());
    return came.length;
  } finally {
    await files.clear();
  }
}

/** @returns the objects that came @throws RefreshError the first failure that concerns all of them */
async function downloadAll(
  ports: DownloadPorts,
  { id, files, signal }: Batch,
  objects: NamedObject[],
  locations: ReadonlyMap<string, LfsLocation>,
): Promise<string[]> {
  const came: string[] = [];
  const queue = new PQueue({ concurrency: AT_A_TIME });
  const end = new AbortController();
  const within = AbortSignal.any([signal, end.signal]);
  const refuse = (oid: string, why: string) =>
    ports.records.refused(id, oid, asMessage(why), (tries) => ports.now() + againAfterMs(tries));
  let failure: unknown = null;
  const fetchOne = async (object: NamedObject): Promise<void> => {
    const from = locations.get(object.oid);
    if (!from?.download) return refuse(object.oid, describe(from));
    const { href, header = {} } = from.download;
    const download: LfsDownload = { ...object, href, header, label: `the LFS object ${object.oid}` };
    try {
      await ports.lfs.download(download, join(files.incoming, object.oid), within);
      came.push(object.oid);
    } catch (error) {
      const { code, message } = asRefreshError(error);
      if (code === "lfs_missing" || code === "lfs_unsound") return refuse(object.oid, message);
      failure ??= error;
      queue.clear();
      end.abort();
    }
  };
  for (const object of objects) void queue.add(() => fetchOne(object));
  await queue.onIdle();
  if (failure === null) return came;
  // What came before the failure is whole.
  await files.take(came);
  ports.records.stored(id, came, ports.now());
  throw failure;
}

function describe(location: LfsLocation | undefined): string {
  if (!location) return "GitHub does not mention the object";
  const { error } = location;
  return error ? `${error.code} ${error.message}` : "GitHub's answer has no address that can be used";
}
