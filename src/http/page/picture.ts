import { randomUUID } from "node:crypto";

/** A row of a list, as it was drawn. */
export interface DrawnRow {
  tag: "tr" | "li";
  /** The row's id in the document. */
  id: string;
  /** Differs when the row says something else. */
  version: number;
  text: string;
}

/** A drawn part of a page, with its rows apart from what is around them. */
export interface Picture {
  /** What is before, between and behind the rows. */
  around: string[];
  rows: DrawnRow[];
}

/** Stands for a row while what is around the rows is drawn. Nobody outside knows it, so no name can contain it. */
const ROW = `<!--${randomUUID()}-->`;

/** Drawing is synchronous, so the rows of two parts never mix. */
let rows: DrawnRow[] | null = null;

/** Draws a part. @param draw returns its text, with what `rowOfPart` returns in the place of each row */
export function drawPicture(draw: () => string): Picture {
  const found: DrawnRow[] = [];
  rows = found;
  try {
    return { around: draw().split(ROW), rows: found };
  } finally {
    rows = null;
  }
}

/** Returns what a part's text has in the place of a row. */
export function rowOfPart(row: DrawnRow): string {
  if (!rows) return row.text;
  rows.push(row);
  return ROW;
}

/**
 * Writes a part as text.
 * @param known what the reader has; a row that it has is left empty, and the reader's script fills it in. Undefined:
 * every row is written
 */
export function writePicture({ around, rows: own }: Picture, known?: Picture): string {
  const has = new Map(known?.rows.map(({ id, version }) => [id, version]));
  const write = ({ tag, id, version, text }: DrawnRow) =>
    has.get(id) === version ? `<${tag} id="${id}" data-same></${tag}>` : text;
  return around.map((text, n) => text + (own[n] ? write(own[n]) : "")).join("");
}
