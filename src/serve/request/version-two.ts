import type { Packet } from "../pktline.js";
import { notUnderstood } from "../refusal.js";
import { emptyFetch, requireSense, takeArgument } from "./arguments.js";
import type { FetchRequest, ListRequest, Option, Request, RequestReader } from "./form.js";

const OPTIONS: readonly Option[] = [
  "thin-pack",
  "no-progress",
  "include-tag",
  "ofs-delta",
  "deepen-relative",
];
const WITH_VALUE = ["want", "have", "shallow", "deepen", "deepen-since", "deepen-not", "filter"];
/** More prefixes than this are too many for git, too: it then lists every ref. */
const MAX_PREFIXES = 65_536;

/** Reads a request of version 2: a command, its capabilities, and its arguments. gitprotocol-v2(5) */
export function createVersionTwo(): RequestReader {
  let request: FetchRequest | ListRequest | null = null;
  let part: "command" | "capabilities" | "arguments" | "ended" = "command";

  function takeLine(line: string): void {
    if (part === "command") {
      request = begin(line);
      part = "capabilities";
    } else if (part === "capabilities") requireKnownCapability(line);
    else if (part === "arguments" && request!.command === "fetch") takeFetchLine(request!, line);
    else if (part === "arguments" && request!.command === "ls-refs") takeListLine(request!, line);
    else throw notUnderstood("lines after its end");
  }

  return {
    take(packet: Packet) {
      if (part === "ended") throw notUnderstood("lines after its end");
      if (packet.kind === "line") takeLine(packet.text);
      else if (packet.kind === "flush") part = "ended";
      else if (part === "capabilities") part = "arguments";
      else throw notUnderstood("a delimiter in the wrong place");
    },
    finish(): Request {
      if (part !== "ended") throw notUnderstood("no end");
      if (request === null) return { command: "probe" };
      if (request.command === "fetch") requireSense(request);
      return request;
    },
  };
}

function begin(line: string): FetchRequest | ListRequest {
  if (line === "command=fetch") return { ...emptyFetch(2), end: "haves" };
  if (line === "command=ls-refs")
    return { command: "ls-refs", version: 2, peel: false, symrefs: false, unborn: false, prefixes: [] };
  throw notUnderstood("a command other than ls-refs and fetch");
}

function requireKnownCapability(line: string): void {
  if (!/^agent=|^object-format=sha1$/.test(line)) throw notUnderstood("a capability that is not offered");
}

function takeFetchLine(fetch: FetchRequest, line: string): void {
  const option = OPTIONS.find((it) => it === line);
  if (option !== undefined) fetch.options.add(option);
  else if (line === "done") fetch.end = "done";
  else takeArgument(fetch, line, WITH_VALUE);
}

function takeListLine(list: ListRequest, line: string): void {
  if (line === "peel" || line === "symrefs" || line === "unborn") list[line] = true;
  else if (!line.startsWith("ref-prefix ")) throw notUnderstood("a line that is not known");
  else if (list.prefixes.push(line.slice("ref-prefix ".length)) > MAX_PREFIXES)
    throw notUnderstood(`more than ${MAX_PREFIXES} prefixes`);
}
