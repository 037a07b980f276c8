import { notUnderstood } from "../refusal.js";
import type { FetchRequest, Version } from "./form.js";

/** One request names so many objects at most. */
const MAX_IDS = 65_536;
/** One request names so many refs to leave out at most. */
const MAX_NOT = 64;
const MAX_DEPTH = 2 ** 31 - 1;

/** Builds a fetch of which nothing has been read yet. */
export const emptyFetch = (version: Version): FetchRequest => ({
  command: "fetch",
  version,
  options: new Set(),
  wants: [],
  shallows: [],
  haves: [],
  depth: null,
  since: null,
  not: [],
  filter: null,
  end: "wants",
});

const FILTER = /^(?:blob:none|blob:limit=\d{1,15}[kmg]?|tree:0)$/;

type Take = (fetch: FetchRequest, value: string) => void;

const addId =
  (list: "wants" | "shallows" | "haves"): Take =>
  (fetch, value) => {
    if (!/^[0-9a-f]{40}$/.test(value)) throw notUnderstood("an object name that is not one");
    if (fetch.wants.length + fetch.shallows.length + fetch.haves.length >= MAX_IDS)
      throw notUnderstood(`more than ${MAX_IDS} object names`);
    fetch[list].push(value);
  };

/** The lines of a fetch that have a value, in all versions. */
const TAKE: Record<string, Take> = {
  want: addId("wants"),
  shallow: addId("shallows"),
  have: addId("haves"),
  deepen(fetch, value) {
    fetch.depth = once(fetch.depth, numberUpTo(value, MAX_DEPTH));
    if (fetch.depth === 0) throw notUnderstood("a depth of 0");
  },
  "deepen-since"(fetch, value) {
    fetch.since = once(fetch.since, numberUpTo(value, Number.MAX_SAFE_INTEGER));
  },
  "deepen-not"(fetch, value) {
    if (value === "" || fetch.not.length >= MAX_NOT) throw notUnderstood("too many refs to leave out");
    fetch.not.push(value);
  },
  filter(fetch, value) {
    if (!FILTER.test(value)) throw notUnderstood("a filter other than blob:none, blob:limit and tree:0");
    fetch.filter = once(fetch.filter, value);
  },
};

/** What is known of a fetch's lines with a value. */
export type ArgumentName = keyof typeof TAKE;

/** Reads one line with a value. @throws Refusal 400 when the line is none of `allowed` */
export function takeArgument(fetch: FetchRequest, line: string, allowed: readonly string[]): void {
  const space = line.indexOf(" ");
  const name = line.slice(0, space);
  if (space < 0 || !allowed.includes(name)) throw notUnderstood("a line that is not known");
  TAKE[name]!(fetch, line.slice(space + 1));
}

/** @throws Refusal 400 for what git would refuse, or take in part */
export function requireSense(fetch: FetchRequest): void {
  if (fetch.wants.length === 0) throw notUnderstood("no want");
  if (fetch.depth !== null && (fetch.since !== null || fetch.not.length > 0))
    throw notUnderstood("a depth beside another limit of history");
}

function once<T>(before: T | null, value: T): T {
  if (before !== null) throw notUnderstood("one line twice");
  return value;
}

function numberUpTo(text: string, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw notUnderstood("a number that is not one");
  return value;
}
