/** What stands in a pointer for a file. */
export interface PointerText {
  /** SHA-256 of the file's content. */
  oid: string;
  size: number;
}

/** SHA-256 of nothing. git-lfs makes an empty file of each pointer with size 0, whatever its object. */
export const EMPTY_OID = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const VERSIONS = [
  "http://git-media.io/v/2",
  "https://hawser.github.com/spec/v1",
  "https://git-lfs.github.com/spec/v1",
];
const KEYS = ["version", "oid", "size"] as const;
const LOOKS_LIKE_ONE = /(?:^|[\s\u0085])version \S*(?:git-media|hawser|git-lfs)/;
/** Go's white space (unicode.IsSpace) has U+0085, and lacks the byte order mark. */
const SPACE_AROUND = /^(?:[^\S\ufeff]|\u0085)+|(?:[^\S\ufeff]|\u0085)+$/g;
const OID = /^sha256:([\da-f]{64})$/;
const MAX_SIZE = 2n ** 63n - 1n;

class Unreadable extends Error {}

/**
 * Reads a pointer as git-lfs does: https://github.com/git-lfs/git-lfs/blob/main/lfs/pointer.go, DecodeFrom().
 * git-lfs would also run the programs that extensions name; there are none here.
 * @returns a fault for a text that looks like a pointer but is none; null for any other text
 */
export function parsePointer(text: string): PointerText | { fault: string } | null {
  if (!LOOKS_LIKE_ONE.test(text)) return null;
  try {
    return readLines(text.replace(SPACE_AROUND, "").split(/\r?\n/));
  } catch (error) {
    if (error instanceof Unreadable) return { fault: error.message };
    throw error;
  }
}

function readLines(lines: string[]): PointerText {
  const values: string[] = [];
  const extensions = new Map<string, string>();
  for (const line of lines.filter((text) => text !== "")) {
    const end = line.indexOf(" ");
    if (end < 0) throw new Unreadable("the pointer has a line without a value");
    const [key, value] = [line.slice(0, end), line.slice(end + 1)];
    const expected = KEYS[values.length];
    if (expected === undefined) throw new Unreadable("the pointer has a further line");
    if (key === expected) values.push(value);
    else if (/^ext-\d-\w/.test(key)) extensions.set(key, value);
    else throw new Unreadable(`the pointer has ${key.slice(0, 40)} where ${expected} belongs`);
  }
  const [version, oid, size] = values;
  if (!VERSIONS.includes(version!)) throw new Unreadable(`the version ${quoted(version)} is unknown`);
  return pointerOf(oidOf("oid", oid), sizeOf(size), extensions);
}

function pointerOf(oid: string, size: number, extensions: Map<string, string>): PointerText {
  const priorities = new Set<string>();
  const names: string[] = [];
  for (const [key, value] of extensions) {
    const [, priority = "", name = ""] = /^ext-(\d)-(.*)$/.exec(key) ?? [];
    oidOf(key, value);
    if (priorities.has(priority)) throw new Unreadable(`two extensions have the priority ${priority}`);
    priorities.add(priority);
    names.push(name);
  }
  if (size === 0) return { oid: EMPTY_OID, size };
  if (names.length > 0)
    throw new Unreadable(`the pointer needs the extension ${names.join(", ").slice(0, 80)}`);
  return { oid, size };
}

function oidOf(key: string, value: string | undefined): string {
  if (value === undefined) throw new Unreadable(`${key} is missing`);
  const [, oid] = OID.exec(value) ?? [];
  if (oid === undefined) throw new Unreadable(`${key} is not "sha256:" and 64 digits`);
  return oid;
}

function sizeOf(value: string | undefined): number {
  if (value === undefined) throw new Unreadable("size is missing");
  // Go's strconv.ParseInt accepts a sign.
  const size = /^[+-]?\d+$/.test(value) ? BigInt(value.replace("+", "")) : -1n;
  if (size < 0n || size > MAX_SIZE)
    throw new Unreadable(`the size ${quoted(value)} is not a number of bytes`);
  return Number(size);
}

const quoted = (value: string | undefined): string => JSON.stringify((value ?? "").slice(0, 80));
