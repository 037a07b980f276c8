import { createHash } from "node:crypto";

/** A short word for a text: another text, another word. */
export const markOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
