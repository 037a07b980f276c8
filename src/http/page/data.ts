import { markOf } from "./mark.js";

/** Pages are drawn again and again of the same objects, such as a finished delivery; none of them changes later. */
const texts = new WeakMap<object, string>();
/** A mark is much shorter than the text of a day's figures. */
const marks = new WeakMap<object, string>();

/** Returns a text that differs when the data do. What a list consists of is written once for each object. */
export function textOf(data: unknown): string {
  if (typeof data !== "object" || data === null) return JSON.stringify(data) ?? "";
  const text = texts.get(data) ?? write(data);
  texts.set(data, text);
  return text;
}

/** Returns the mark of what a part is drawn of. */
export function markOfData(data: object): string {
  const mark = marks.get(data) ?? markOf(write(data));
  marks.set(data, mark);
  return mark;
}

const write = (data: object): string =>
  Array.isArray(data) ? `[${data.map(textOf).join()}]` : JSON.stringify(data);
