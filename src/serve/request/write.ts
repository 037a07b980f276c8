import { DELIM, FLUSH, pktLine } from "../pktline.js";
import type { FetchRequest, ListRequest } from "./form.js";

/**
 * Writes a request for upload-pack, from nothing but what was understood. Short requests that ask for the
 * same are written equally, whatever the order of their lines was. @returns one character for each byte (latin1)
 */
export function writeRequest(request: FetchRequest | ListRequest): string {
  if (request.command === "ls-refs") return writeList(request);
  return request.version === 2 ? writeVersionTwo(request) : writeVersionZero(request);
}

function writeList({ peel, symrefs, unborn, prefixes }: ListRequest): string {
  const flags = Object.entries({ peel, symrefs, unborn }).filter(([, isSet]) => isSet);
  return [
    pktLine("command=ls-refs"),
    DELIM,
    ...flags.map(([name]) => pktLine(name)),
    ...distinct(prefixes).map((prefix) => pktLine(`ref-prefix ${prefix}`)),
    FLUSH,
  ].join("");
}

function writeVersionTwo(fetch: FetchRequest): string {
  return [
    pktLine("command=fetch"),
    DELIM,
    ...[...fetch.options].sort().map(pktLine),
    ...distinct(fetch.wants).map((id) => pktLine(`want ${id}`)),
    ...limits(fetch),
    ...fetch.haves.map((id) => pktLine(`have ${id}`)),
    fetch.end === "done" ? pktLine("done") : "",
    FLUSH,
  ].join("");
}

function writeVersionZero(fetch: FetchRequest): string {
  const options = ["", ...[...fetch.options].sort()].join(" ");
  const wants = distinct(fetch.wants).map((id, n) => pktLine(`want ${id}${n === 0 ? options : ""}`));
  const haves = fetch.haves.map((id) => pktLine(`have ${id}`));
  const end = { wants: "", haves: FLUSH, done: pktLine("done") }[fetch.end];
  return [...wants, ...limits(fetch), FLUSH, ...haves, end].join("");
}

function limits({ shallows, depth, since, not, filter }: FetchRequest): string[] {
  return [
    ...distinct(shallows).map((id) => pktLine(`shallow ${id}`)),
    depth === null ? "" : pktLine(`deepen ${depth}`),
    since === null ? "" : pktLine(`deepen-since ${since}`),
    ...distinct(not).map((ref) => pktLine(`deepen-not ${ref}`)),
    filter === null ? "" : pktLine(`filter ${filter}`),
  ];
}

/** Sorting more than this would block other work, and such a request is never sent twice. */
const MAX_SORTED = 2_000;

function distinct(lines: readonly string[]): string[] {
  const all = [...new Set(lines)];
  return all.length > MAX_SORTED ? all : all.sort();
}
