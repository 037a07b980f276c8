import { beginSlice } from "../base/slices.js";
import type { StreamGit } from "../git/run/stream.js";
import { createPacketReader } from "./pktline.js";
import { type Served, uploadPack } from "./upload-pack.js";

/** The refs that a reader of the mirror sees. Names have one character for each byte (latin1). */
export interface Shown {
  /** Objects by the ref's name, with `HEAD`. */
  refs: ReadonlyMap<string, string>;
  /** What the refs name, and what their tags lead to. */
  tips: ReadonlySet<string>;
}

const TIMEOUT_MS = 60_000;

/**
 * Reads what upload-pack shows, which is more certain than to judge again what it hides.
 * @throws GitFailure
 */
export async function readShown(streamGit: StreamGit, served: Served): Promise<Shown> {
  const { stdout, done } = uploadPack(streamGit, served, {
    version: 0,
    input: null,
    timeoutMs: TIMEOUT_MS,
    threads: 1,
  });
  done.catch(() => {}); // The stream has the same error.
  const refs = new Map<string, string>();
  const tips = new Set<string>();
  const packets = createPacketReader(
    (packet) => {
      if (packet.kind === "line") addLine({ refs, tips }, packet.text.split("\0")[0]!);
    },
    { isOurs: true },
  );
  const slice = beginSlice();
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    packets.push(chunk);
    if (slice.isOver()) await slice.next();
  }
  packets.end();
  await done;
  return { refs, tips };
}

/** A repository without refs has one line, of no ref. */
function addLine(shown: { refs: Map<string, string>; tips: Set<string> }, line: string): void {
  const sha = line.slice(0, 40);
  const name = line.slice(41);
  if (!/^[0-9a-f]{40}$/.test(sha) || name === "capabilities^{}") return;
  shown.tips.add(sha);
  if (!name.endsWith("^{}")) shown.refs.set(name, sha);
}
