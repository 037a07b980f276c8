/** The last bytes of what a process has written. */
export interface Tail {
  add(chunk: Buffer): void;
  bytes(): Buffer;
  text(): string;
}

/** @param maxBytes Infinity: every byte is kept */
export function createTail(maxBytes: number): Tail {
  const chunks: Buffer[] = [];
  let size = 0;
  function bytes(): Buffer {
    const all = Buffer.concat(chunks);
    return all.subarray(Math.max(0, all.length - maxBytes));
  }
  return {
    bytes,
    add(chunk) {
      chunks.push(chunk);
      size += chunk.length;
      while (chunks.length > 1 && size - chunks[0]!.length >= maxBytes) size -= chunks.shift()!.length;
    },
    text: () => bytes().toString("utf8"),
  };
}
