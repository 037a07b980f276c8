/** A page of one node. */
export interface Part<Row, Place> {
  rows: Row[];
  /** Where the node's next page begins; null: it has no more. */
  next: Place | null;
}

interface Order<Row, Place> {
  /** How many rows a page has. */
  limit: number;
  placeOf(row: Row): Place;
  /** Below 0: the first place comes first. Every node has its rows in this order. */
  compare(a: Place, b: Place): number;
  /** Rows with the same key are one. */
  keyOf(row: Row): string | number;
  /** Whether the first of two rows with the same key is the one to show. */
  isBetter(a: Row, b: Row): boolean;
}

/**
 * Merges a page of each node into one, whose place of the next page is right for every node. What comes after the end of the
 * shortest page is left for the next one, because that node may have rows in between.
 */
export function mergePages<Row, Place>(
  parts: readonly Part<Row, Place>[],
  { limit, placeOf, compare, keyOf, isBetter }: Order<Row, Place>,
): Part<Row, Place> {
  const ends = parts.flatMap(({ next }) => (next === null ? [] : [next]));
  const end = ends.length === 0 ? null : ends.reduce((a, b) => (compare(a, b) <= 0 ? a : b));
  const best = new Map<string | number, Row>();
  for (const row of parts.flatMap(({ rows }) => rows)) {
    if (end !== null && compare(placeOf(row), end) > 0) continue;
    const other = best.get(keyOf(row));
    if (other === undefined || isBetter(row, other)) best.set(keyOf(row), row);
  }
  const all = [...best.values()].sort((a, b) => compare(placeOf(a), placeOf(b)));
  const rows = all.slice(0, limit);
  return { rows, next: all.length > limit ? placeOf(rows.at(-1)!) : end };
}
