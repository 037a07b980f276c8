import { raw } from "hono/html";
import { type Child, Fragment, isValidElement } from "hono/jsx";
import { markOfData } from "./data.js";
import { keepDrawings } from "./kept-drawings.js";
import { markOf } from "./mark.js";
import { drawPicture, type Picture, writePicture } from "./picture.js";

/** A part of a page that the script updates, as it was drawn. */
export interface Part {
  name: string;
  /** Differs when the part says something else; an age that only went on does not count. */
  mark: string;
  /** @param known the mark of what the reader has; undefined: nothing */
  html(known: string | undefined): string;
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
    visit(content);
    return parts;
  } finally {
    drawn = null;
  }
}

/** Goes down to the parts, and writes nothing of what is around them. */
function visit(node: Child): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child);
    return;
  }
  // No part is in a picture.
  if (!isValidElement(node) || node.tag === "svg") return;
  visit(typeof node.tag === "function" ? (node.tag(node.props) as Child) : node.children);
}

interface Props {
  name: string;
  tag?: "div" | "span";
  class?: string;
  /** All that the part is drawn of, where comparing that costs less than drawing; it does not change later. */
  of?: object;
  /**
   * Where much of it is not shown: what the part is drawn of together with `variant`, and not drawn again for as long as
   * this is the same object.
   */
  once?: object;
  variant?: string;
  children: Child;
}

/** The last drawings of parts that say what they are drawn of; several addresses may share one. */
const keep = keepDrawings<Picture>(64);

/** Renders a part that the script updates. No part is inside another one. */
export function Live({ name, tag: Tag = "div", class: kind, of, once, variant = "", children }: Props) {
  const text = () => String(<Fragment>{children}</Fragment>);
  const inTag = (mark: string, inner: string) =>
    String(
      <Tag class={kind} data-live={name} data-version={mark}>
        {raw(inner)}
      </Tag>,
    );
  if (of !== undefined) {
    const mark = markOfData(of);
    const draw = () => drawPicture(() => inTag(mark, text()));
    return found(name, mark, () => keep(`${name} ${mark}`, mark, draw).drawing);
  }
  const { mark, inner } = once ? drawOnce(once, `${name} ${variant}`, text) : withMark(text());
  return found(name, mark, () => ({ around: [inTag(mark, inner)], rows: [] }));
}

interface Marked {
  mark: string;
  inner: string;
}

const withMark = (inner: string): Marked => ({ mark: markOf(inner.replace(AGES, "$1")), inner });

const drawnOnce = new WeakMap<object, Map<string, Marked>>();

function drawOnce(of: object, key: string, draw: () => string): Marked {
  const texts = drawnOnce.get(of) ?? new Map<string, Marked>();
  drawnOnce.set(of, texts);
  const marked = texts.get(key) ?? withMark(draw());
  texts.set(key, marked);
  return marked;
}

function found(name: string, mark: string, draw: () => Picture) {
  if (!drawn) return raw(writePicture(draw()));
  // An update draws only what some reader does not have, and most readers have the same.
  const texts = new Map<string | undefined, string>();
  drawn.push({
    name,
    mark,
    html(known) {
      const before = known === undefined ? undefined : keep.last(`${name} ${known}`);
      const from = before && known;
      const text = texts.get(from) ?? writePicture(draw(), before);
      texts.set(from, text);
      return text;
    },
  });
  return raw("");
}
