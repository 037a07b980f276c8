import { raw } from "hono/html";
import { keepTexts } from "./kept-texts.js";

const MAX_KEPT = 500;

/** @returns a function that draws a row, unless it is still as it was; its key says which row of which page it is */
export function keepRows() {
  const keep = keepTexts(MAX_KEPT);
  return (key: string, of: object, draw: () => unknown) =>
    raw(keep(key, JSON.stringify(of), () => String(draw())));
}
