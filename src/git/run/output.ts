/** What a git prints, as text. */
export interface OutputText {
  add(chunk: Buffer): void;
  text(): string;
}

const LINE_END = 10;

/**
 * Decodes each line as it comes: a text of megabytes that is decoded when git ends would block everybody else.
 * @param decode turns the bytes of whole lines into text
 */
export function collectText(decode: (lines: Buffer) => string): OutputText {
  const texts: string[] = [];
  let rest: Buffer[] = [];
  return {
    add(chunk) {
      const end = chunk.lastIndexOf(LINE_END) + 1;
      if (end === 0) return void rest.push(chunk);
      texts.push(decode(joined([...rest, chunk.subarray(0, end)])));
      rest = end < chunk.length ? [chunk.subarray(end)] : [];
    },
    text: () => texts.join("") + decode(joined(rest)),
  };
}

const joined = (chunks: Buffer[]): Buffer => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
