import { isRefText } from "../../base/names.js";
import { toBytes } from "../run/ref-names.js";

/** git writes a ref to `<name>.lock` first, and a file's name has at most 255 bytes: NAME_MAX of Linux's file systems. */
const MAX_PART_BYTES = 255 - ".lock".length;

/** @returns why git cannot write a ref of this name on any file system; null: the name says nothing against it */
export function whyRefused(ref: string): string | null {
  if (!isRefText(ref)) return "git allows no ref of this name";
  const longest = Math.max(...ref.split("/").map((part) => toBytes(part).length));
  return longest > MAX_PART_BYTES
    ? `a part of its name has ${longest} bytes, and git can lock at most ${MAX_PART_BYTES}`
    : null;
}
