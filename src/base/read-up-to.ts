import { beginSlice } from "./slices.js";

/**
 * Reads a body of limited length into one piece. A sender decides in how many pieces it comes; other work runs in between.
 * @param maxBytes the length limit, in bytes
 * @returns null: the body is longer, and its rest was not read @throws the body's error
 */
export async function readUpTo(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const slice = beginSlice();
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
    if (slice.isOver()) await slice.next();
  }
  return Buffer.concat(chunks, bytes);
}
