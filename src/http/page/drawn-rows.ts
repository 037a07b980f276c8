import { raw } from "hono/html";
import { textOf } from "./data.js";
import { keepDrawings } from "./kept-drawings.js";
import { rowOfPart } from "./picture.js";

const MAX_KEPT = 500;

interface RowName {
  tag: "tr" | "li";
  /** The row's id in the document. */
  id: string;
  /** Says of which page the row is, where that changes what it says. */
  page?: string;
}

/** @returns a function that draws a row, unless it is still as it was */
export function keepDrawnRows() {
  const keep = keepDrawings<string>(MAX_KEPT);
  return ({ tag, id, page = "" }: RowName, of: object, draw: () => unknown) => {
    const { drawing, version } = keep(`${id} ${page}`, textOf(of), () => String(draw()));
    return raw(rowOfPart({ tag, id, version, text: drawing }));
  };
}
