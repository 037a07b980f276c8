/** What a git prints, as text. */
export interface OutputText {
  add(chunk: Buffer): void;
  /** Says that nothing more comes. @returns what was not taken line by line */
  end(): string;
  /** Returns what has come so far. */
  text(): string;
}

const LINE_END = 10;

/**
 * Decodes whole lines as they come: a text of megabytes that is decoded when git ends would block everybody else.
 * @param takeLine takes each line, without its end, so that no text is left; undefined: the text is kept
 */
export function collectText(
  decode: (lines: Buffer) => string,
  takeLine?: (line: string) => void,
): OutputText {
  const texts: string[] = [];
  let rest: Buffer[] = [];
  const take = (text: string): void => {
    if (!takeLine) return void texts.push(text);
    const lines = text.split("\n");
    const last = lines.pop()!;
    for (const line of lines) takeLine(line);
    if (last !== "") takeLine(last);
  };
  return {
    add(chunk) {
      const end = chunk.lastIndexOf(LINE_END) + 1;
      if (end === 0) return void rest.push(chunk);
      take(decode(joined([...rest, chunk.subarray(0, end)])));
      rest = end < chunk.length ? [chunk.subarray(end)] : [];
    },
    end() {
      take(decode(joined(rest)));
      rest = [];
      return texts.join("");
    },
    text: () => texts.join("") + decode(joined(rest)),
  };
}

const joined = (chunks: Buffer[]): Buffer => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
