import { raw } from "hono/html";
import { type Child, Fragment } from "hono/jsx";
import { keepTexts } from "./kept-texts.js";
import { markOf } from "./mark.js";

/** A part of a page that the script updates, as it was drawn. */
export interface Part {
  name: string;
  /** Differs when the part says something else; an age that only went on does not count. */
  mark: string;
  html(): string;
}

/** The script counts these on by itself. */
const AGES = /(<time [^>]*data-ticks="[^>]*>)[^<]*/g;

/** Drawing is synchronous, so the parts of two pages never mix. */
let drawn: Part[] | null = null;

/** Finds the parts of a page that the script updates, without drawing what is around them. */
export function findParts(content: Child): Part[] {
  const parts: Part[] = [];
  drawn = parts;
  try {
    void String(<Fragment>{content}</Fragment>);
    return parts;
  } finally {
    drawn = null;
  }
}

interface Props {
  name: string;
  tag?: "div" | "span";
  class?: string;
  /** All that the part is drawn of, where comparing that costs less than drawing; it does not change later. */
  of?: object;
  children: Child;
}

/** The last drawings of parts that say what they are drawn of; several addresses may share one. */
const keep = keepTexts(64);

/** Renders a part that the script updates. No part is inside another one. */
export function Live({ name, tag: Tag = "div", class: kind, of, children }: Props) {
  const draw = (mark: string, inner: string) =>
    String(
      <Tag class={kind} data-live={name} data-version={mark}>
        {raw(inner)}
      </Tag>,
    );
  const text = () => String(<Fragment>{children}</Fragment>);
  if (of === undefined) {
    const inner = text();
    return found({ name, mark: markOf(inner.replace(AGES, "$1")) }, (mark) => draw(mark, inner));
  }
  return found({ name, mark: markOfData(of) }, (mark) =>
    keep(`${name} ${mark}`, mark, () => draw(mark, text())),
  );
}

/** What several drawings are made of, such as the figures of a day, is marked once. */
const marks = new WeakMap<object, string>();

function markOfData(of: object): string {
  const known = marks.get(of) ?? markOf(JSON.stringify(of));
  marks.set(of, known);
  return known;
}

function found({ name, mark }: Pick<Part, "name" | "mark">, draw: (mark: string) => string) {
  if (!drawn) return raw(draw(mark));
  // An update draws only what some reader does not have.
  let html: string | undefined;
  drawn.push({
    name,
    mark,
    html: () => {
      html ??= draw(mark);
      return html;
    },
  });
  return raw("");
}
