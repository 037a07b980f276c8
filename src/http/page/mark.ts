import { hash } from "node:crypto";

/** Returns a short hash of a text. */
export const markOf = (text: string): string => hash("sha256", text).slice(0, 12);
