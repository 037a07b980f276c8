import { RESERVED_REFS } from "../../base/names.js";
import { isInside } from "../../base/patterns.js";
import type { Lease } from "../transport/lease.js";
import type { MirrorContext } from "./memory.js";
import type { RunContext } from "./options.js";

/** With more patterns than this, GitHub is asked for every ref. */
const MAX_PREFIXES = 50;

/** @returns GitHub's tips inside the mirror's scope */
export function readRemoteTips(
  { scopeOf, fetchTimeoutMs }: MirrorContext,
  id: number,
  lease: Lease,
  run: RunContext,
): Promise<Map<string, string>> {
  const { refspecs } = scopeOf(id);
  const isIn = isInside({ refspecs });
  const isWanted = (ref: string) => isIn(ref) && !ref.startsWith(RESERVED_REFS);
  const question = { prefixes: prefixesOf(refspecs), isWanted, timeoutMs: fetchTimeoutMs };
  return lease.refs(question, run.signal);
}

/** @returns GitHub's tips of these refs; refs that GitHub does not have are missing */
export function readRemoteRefs(
  { fetchTimeoutMs }: MirrorContext,
  lease: Lease,
  refs: readonly string[],
  run: RunContext,
): Promise<Map<string, string>> {
  const names = new Set(refs);
  // A prefix also matches longer names, such as main2 beside main.
  const question = { prefixes: refs, isWanted: (ref: string) => names.has(ref), timeoutMs: fetchTimeoutMs };
  return lease.refs(question, run.signal);
}

/** A pattern's part before the star; GitHub may send more than asked for, and `isWanted` drops that. */
export function prefixesOf(refspecs: readonly string[]): string[] {
  const prefixes = [...new Set(refspecs.map((pattern) => pattern.split("*")[0]!))];
  return prefixes.length > MAX_PREFIXES ? ["refs/"] : prefixes;
}
