import type { Seal } from "../seal.js";

/** Under this key Redis says that a node's queue was too long for some deliveries. */
export const leftOutKeyOf = (prefix: string, node: string): string => `${prefix}:left-out:${node}`;

/** @param at the wall clock, in milliseconds since 1970 */
export const writeLeftOut = (seal: Seal, node: string, at: number): string =>
  seal.close("left-out", JSON.stringify({ node, at }));

/** Whether a node of this cluster has written it about this node. */
export function isLeftOut(seal: Seal, node: string, sealed: string | null): boolean {
  const text = sealed === null ? null : seal.open("left-out", sealed);
  return text !== null && (JSON.parse(text) as { node: string }).node === node;
}
