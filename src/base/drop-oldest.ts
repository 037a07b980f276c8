/**
 * Drops entries, the one set first before the others, until `most` are left. A map that deletes an entry before it sets it
 * once more has the one set longest ago first.
 */
export function dropOldest<K>(
  kept: { readonly size: number; keys(): Iterable<K>; delete(key: K): unknown },
  most: number,
): void {
  for (const key of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(key);
  }
}
