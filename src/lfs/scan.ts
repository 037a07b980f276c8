import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Layout } from "../git/disk/layout.js";
import type { RunGit } from "../git/run/exec.js";
import type { StreamGit } from "../git/run/stream.js";
import { EMPTY_OID } from "../git/tree/pointers/parse.js";
import { MAX_POINTER_BYTES, type Parsed, parseAll } from "../git/tree/pointers/read.js";
import { writeDurably } from "../machine/durable.js";
import type { ObjectFiles } from "./files.js";
import type { LfsRecords, NamedObject } from "./records.js";

export interface ScanPorts {
  git: RunGit;
  streamGit: StreamGit;
  layout: Pick<Layout, "mirror">;
  records: Pick<LfsRecords, "scan" | "found" | "scanned" | "unfound" | "forget" | "storedAfter" | "lost">;
  timeoutMs: number;
  now(): number;
}

/** A repository that changes is looked at as a whole this often: only this finds what no ref needs any more. */
const WHOLE_MS = 7 * 24 * 3_600_000;
/** So many contents, of at most 1 KiB each, are in memory at a time. */
const AT_ONCE = 2_000;
const FILES_AT_ONCE = 200;

/**
 * Looks for pointers in what the mirror's refs lead to, kept tips included, since the last look. Like `git lfs fetch
 * --all`, it takes whatever reads as a pointer, wherever it lies. Objects that no ref needs any more are deleted.
 */
export async function scanMirror(
  ports: ScanPorts,
  id: number,
  files: ObjectFiles,
  signal: AbortSignal,
): Promise<void> {
  const { records, now } = ports;
  const before = records.scan(id);
  const startedAt = now();
  const tips = await readTips(ports, id, signal);
  const known = before && (await readScanned(files.scanned, before.scan));
  if (before && known && isSame(tips, known)) return records.scanned(id, { ...before, scannedAt: startedAt });
  const isWhole = !before || !known || startedAt - before.wholeAt > WHOLE_MS;
  const scan = (before?.scan ?? 0) + 1;
  for await (const objects of findObjects(ports, id, isWhole ? new Set() : known, signal))
    await records.found(id, scan, objects);
  if (isWhole) await dropUnfound(ports, id, { scan, files, signal });
  if (isWhole) await findLost(ports, id, { files, signal });
  // A kill between the two has the whole mirror looked at again, as the numbers differ.
  await writeDurably(files.scanned, `${[scan, ...tips].join("\n")}\n`);
  const wholeAt = isWhole ? startedAt : before.wholeAt;
  records.scanned(id, { scan, scannedAt: startedAt, wholeAt });
}

async function readTips({ git, layout, timeoutMs }: ScanPorts, id: number, signal: AbortSignal) {
  const tips = new Set<string>();
  // git for-each-ref --format=%(objectname)
  const args = ["for-each-ref", "--format=%(objectname)"];
  const takeLine = (tip: string) => void tips.add(tip);
  await git({ gitDir: layout.mirror(id), args, timeoutMs, signal, takeLine, urgency: "background" });
  return tips;
}

/** @returns null: the file is not that of the scan, so that nothing is known */
async function readScanned(path: string, scan: number): Promise<Set<string> | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [number, ...tips] = text.split("\n").filter(Boolean);
  return number === String(scan) ? new Set(tips) : null;
}

const isSame = (some: ReadonlySet<string>, others: ReadonlySet<string>): boolean =>
  some.size === others.size && [...some].every((tip) => others.has(tip));

/** @param without what these lead to was looked at before; a tip that is no longer in the mirror does not count */
async function* findObjects(
  ports: ScanPorts,
  id: number,
  without: ReadonlySet<string>,
  signal: AbortSignal,
): AsyncIterable<NamedObject[]> {
  const from = {
    gitDir: ports.layout.mirror(id),
    timeoutMs: ports.timeoutMs,
    signal,
    urgency: "background" as const,
  };
  // git rev-list --all --objects --no-object-names --filter=… --filter-provided-objects --ignore-missing --stdin
  const filter = `combine:object:type=blob+blob:limit=${MAX_POINTER_BYTES + 1}`;
  const what = ["--all", "--objects", "--no-object-names", `--filter=${filter}`, "--filter-provided-objects"];
  const args = ["rev-list", ...what, "--ignore-missing", "--stdin"];
  const input = [...without].map((tip) => `^${tip}\n`).join("");
  const { stdout, done } = ports.streamGit({ ...from, args, input });
  done.catch(() => {});
  let some: string[] = [];
  for await (const sha of createInterface({ input: stdout })) {
    some.push(sha);
    if (some.length < AT_ONCE) continue;
    yield await readObjects(ports, from, some);
    some = [];
  }
  await done;
  yield await readObjects(ports, from, some);
}

async function readObjects({ git }: ScanPorts, from: Parameters<typeof parseAll>[0]["from"], shas: string[]) {
  if (shas.length === 0) return [];
  const parsed: Parsed = new Map();
  await parseAll({ git, from }, shas, parsed);
  const pointers = [...parsed.values()].flatMap((one) => ("fault" in one ? [] : [one]));
  // git-lfs makes the empty file without its object.
  return pointers.filter(({ oid }) => oid !== EMPTY_OID).map(({ oid, size }) => ({ oid, size }));
}

/** The rows go after the files, so that no file is forgotten. */
async function dropUnfound(
  { records }: ScanPorts,
  id: number,
  { scan, files, signal }: { scan: number; files: ObjectFiles; signal: AbortSignal },
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const oids = records.unfound(id, scan, FILES_AT_ONCE);
    if (oids.length === 0) return;
    for (const oid of oids) await files.remove(oid);
    records.forget(id, oids);
  }
}

/** Somebody may have deleted files, or the disk was restored without them: they are downloaded again. */
async function findLost(
  { records }: ScanPorts,
  id: number,
  { files, signal }: { files: ObjectFiles; signal: AbortSignal },
): Promise<void> {
  for (let after = ""; ; ) {
    signal.throwIfAborted();
    const some = records.storedAfter(id, after, FILES_AT_ONCE);
    for (const object of some) if (!(await files.seems(object))) records.lost(id, object.oid);
    if (some.length < FILES_AT_ONCE) return;
    after = some.at(-1)!.oid;
  }
}
