import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { beginStream } from "../answer.js";
import { Refusal } from "../refusal.js";
import { withSlot } from "../slots.js";
import { locate, refusalOf } from "./github.js";
import type { Asking, LfsPorts } from "./ports.js";

/** A reader that takes nothing for this long is cut off. */
const STALL_MS = 60_000;

interface Wanted {
  oid: string;
  /** The query of the address, which has the ticket. */
  query: string;
}

/**
 * Streams an object from GitHub to a reader who may read the repository and whom a batch has told of the object.
 * git-lfs compares the content with the object's id. @throws Refusal, or what the download fails with
 */
export async function sendObject(ports: LfsPorts, asking: Asking, { oid, query }: Wanted): Promise<void> {
  const { repositoryId } = asking.right;
  const size = repositoryId === null ? null : ports.tickets.read(query, { repositoryId, oid });
  if (repositoryId === null || size === null) throw new Refusal(404, "not found");
  const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(ports.timeoutMs)]);
  await withSlot(ports.downloading, asking.signal, async () => {
    const kept = await openKept(ports, { repositoryId, oid, size });
    const content = kept ?? (await open(ports, { ...asking, signal }, { repositoryId, oid, size }));
    const { response } = asking;
    response.setTimeout(STALL_MS, () => response.destroy());
    const source = kept ? "mirror" : "github";
    beginStream(response, { type: "application/octet-stream", source, provenAt: null }, size);
    await pipeline(content, exactly(size), response, { signal });
  });
}

interface Place {
  repositoryId: number;
  oid: string;
  /** In bytes. */
  size: number;
}

/** @returns null: the object is not kept with the mirror, or its file is gone, so that GitHub has to give it */
async function openKept({ kept }: LfsPorts, { repositoryId, oid, size }: Place): Promise<Readable | null> {
  if (kept?.sizeOf(repositoryId, oid) !== size) return null;
  return kept.open(repositoryId, oid).catch(() => null);
}

async function open(ports: LfsPorts, asking: Asking, { size, ...object }: Place) {
  const known = ports.locations.get(object);
  const label = `object ${object.oid}`;
  try {
    const place = known ?? (await locateAgain(ports, asking, { ...object, size }));
    return await ports.open({ ...place, label }, asking.signal);
  } catch (error) {
    ports.locations.drop(object);
    throw refusalOf(error, { isReaders: false });
  }
}

async function locateAgain(ports: LfsPorts, asking: Asking, { repositoryId, oid, size }: Place) {
  const { byOid, asApp } = await locate(ports, asking, [{ oid, size }]);
  const download = byOid.get(oid)?.download;
  if (!download) throw new Refusal(404, "not found");
  const place = { href: download.href, header: download.header ?? {} };
  // What GitHub said to a reader's own credentials is for nobody else.
  if (asApp) ports.locations.put({ repositoryId, oid }, place);
  return place;
}

/** What is longer or shorter breaks the connection, so that nobody takes it for the object. */
function exactly(size: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      if (bytes > size) done(new Error(`the object has more than its ${size} bytes`));
      else done(null, chunk);
    },
    flush(done) {
      done(bytes === size ? null : new Error(`the object has ${bytes} bytes, not ${size}`));
    },
  });
}
