import type { Version } from "./form.js";

/**
 * Reads the header Git-Protocol, as git reads the variable GIT_PROTOCOL: the highest version counts, and what is not
 * known is left out. gitprotocol-http(5)
 */
export function versionOf(header: string | string[] | undefined): Version {
  const words = String(header ?? "").split(":");
  return words.includes("version=2") ? 2 : words.includes("version=1") ? 1 : 0;
}
