/** The last bytes of what a process has written. */
export interface Tail {
  add(chunk: Buffer): void;
  text(): string;
}

/** @param maxBytes Infinity: every byte is kept */
export function createTail(maxBytes: number): Tail {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk) {
      chunks.push(chunk);
      size += chunk.length;
      while (chunks.length > 1 && size - chunks[0]!.length >= maxBytes) size -= chunks.shift()!.length;
    },
    text() {
      const bytes = Buffer.concat(chunks);
      return bytes.subarray(Math.max(0, bytes.length - maxBytes)).toString("utf8");
    },
  };
}
