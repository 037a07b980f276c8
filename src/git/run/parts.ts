import { nextTurn } from "../../base/slices.js";
import type { Dialogue } from "./exec.js";
import { toBytes } from "./ref-names.js";

/** So many entries are encoded and written at a time. */
const TOGETHER = 1_000;

/**
 * Writes many entries to a git's stdin, names of refs as `toText` reads them, and lets other work run in between.
 * @param end what is written after each entry
 */
export async function writeInParts(
  write: Dialogue["write"],
  entries: readonly string[],
  end = "",
): Promise<void> {
  for (let n = 0; n < entries.length; n += TOGETHER) {
    const some = entries.slice(n, n + TOGETHER);
    write(toBytes(some.join(end) + end));
    await nextTurn();
  }
}
