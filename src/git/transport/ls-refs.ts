import { beginSlice } from "../../base/slices.js";
import { toText } from "../run/ref-names.js";
import { DELIM, FLUSH, invalidAnswer, LENGTH_DIGITS, lengthAt, pktLine } from "./pkt-line.js";

/** Two million refs with long names; more are not read. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;

/**
 * Builds the request for refs below these prefixes, in protocol version 2. Tags are not peeled and symbolic refs not
 * resolved. An empty list asks for every ref. https://git-scm.com/docs/protocol-v2#_ls_refs
 */
export function lsRefsRequest(prefixes: readonly string[]): Buffer {
  const args = prefixes.map((prefix) => pktLine(`ref-prefix ${prefix}\n`));
  return Buffer.concat([pktLine("command=ls-refs\n"), DELIM, ...args, FLUSH]);
}

/**
 * Reads the answer as it arrives. @returns objects by ref name as `toText` writes it, for the names that `isWanted` accepts
 * @throws RefreshError `upstream_error` when the answer breaks off or is not the answer to ls-refs
 */
export async function readLsRefs(
  body: AsyncIterable<Buffer>,
  isWanted: (ref: string) => boolean,
): Promise<Map<string, string>> {
  const refs = new Map<string, string>();
  let rest: Buffer = Buffer.alloc(0);
  let size = 0;
  let isComplete = false;
  const slice = beginSlice();
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw invalid("is larger than 256 MiB");
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (!isComplete && rest.length - at >= LENGTH_DIGITS) {
      const length = lineLengthAt(rest, at);
      if (length === 0) isComplete = true;
      if (length > 0 && rest.length - at < length) break;
      if (length > 0) addRef(refs, rest.subarray(at + LENGTH_DIGITS, at + length), isWanted);
      at += Math.max(length, LENGTH_DIGITS);
      if (slice.isOver()) await slice.next();
    }
    rest = rest.subarray(at);
  }
  if (!isComplete) throw invalid("broke off");
  return refs;
}

/** @returns 0 for the flush packet, which ends the answer */
function lineLengthAt(bytes: Buffer, at: number): number {
  const length = lengthAt(bytes, at);
  if (length === null || (length !== 0 && length <= LENGTH_DIGITS))
    throw invalid(`has the length ${JSON.stringify(bytes.toString("latin1", at, at + LENGTH_DIGITS))}`);
  return length;
}

function addRef(refs: Map<string, string>, line: Buffer, isWanted: (ref: string) => boolean): void {
  const text = toText(line).replace(/\n$/, "");
  const [, sha, ref] = /^([0-9a-f]{40}) ([^ ]+)/.exec(text) ?? [];
  if (sha && ref && isWanted(ref)) refs.set(ref, sha);
  // An unborn HEAD has no object. Anything else is not an answer to ls-refs.
  else if (!sha && !text.startsWith("unborn "))
    throw invalid(`has the line ${JSON.stringify(text.slice(0, 80))}`);
}

const invalid = (what: string) => invalidAnswer("ls-refs", what);
