import type { Readable } from "node:stream";
import { beginSlice } from "../base/slices.js";

/** Reads short lines as they arrive, and lets other work run in between. @throws what the stream fails with */
export async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const slice = beginSlice();
  let rest = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
    if (slice.isOver()) await slice.next();
  }
  if (rest !== "") onLine(rest);
}
