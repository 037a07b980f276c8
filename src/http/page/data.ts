import { markOf } from "./mark.js";

/** Of what is frozen, which is drawn again and again: a finished delivery, the refreshes of a repository. */
const texts = new WeakMap<object, string>();
/** A mark is much shorter than the text of a day's figures. */
const marks = new WeakMap<object, string>();

/** Returns a text that differs when the data do. The text of what is frozen is written once. */
export function textOf(data: unknown): string {
  if (typeof data !== "object" || data === null) return JSON.stringify(data) ?? "";
  // An entry for each object that goes at once would cost more than it saves.
  if (!Object.isFrozen(data)) return write(data);
  const text = texts.get(data) ?? write(data);
  texts.set(data, text);
  return text;
}

/** Returns the mark of what a part is drawn of. It does not change later. A list made for the call is marked each time. */
export function markOfData(data: object): string {
  if (Array.isArray(data)) return markOf(textOf(data));
  const mark = marks.get(data) ?? markOf(textOf(data));
  marks.set(data, mark);
  return mark;
}

/** A list of nothing that is kept is written at once, which takes less time than each of its rows. */
const write = (data: object): string =>
  Array.isArray(data) && data.some(mayBeKept) ? `[${data.map(textOf).join()}]` : JSON.stringify(data);

const mayBeKept = (one: unknown): boolean =>
  Array.isArray(one) || (typeof one === "object" && one !== null && Object.isFrozen(one));
