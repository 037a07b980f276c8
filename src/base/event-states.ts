import type { Announcement } from "./model.js";

/**
 * What an event says is so now, by what it is about. Several nodes of a cluster bring the same change in events of their own;
 * what the events lead to is the same.
 */
export function statesOf(event: Announcement): Map<string, string> {
  const { type, changes, checkouts, refused, holds, attributes, reason } = event;
  const moved = [...changes, ...checkouts, ...refused];
  if (moved.length > 0) return new Map(moved.map(({ ref, after }) => [`${type} ${ref}`, after]));
  if (holds.length > 0) return new Map(holds.map(({ ref, after }) => [`hold ${ref}`, `${type} ${after}`]));
  if (type === "cloned") return new Map([["cloned", ""]]);
  return new Map([["life", JSON.stringify([type, attributes?.after ?? null, reason])]]);
}
