import type { Packet } from "../pktline.js";
import { notUnderstood } from "../refusal.js";
import { emptyFetch, requireSense, takeArgument } from "./arguments.js";
import type { FetchRequest, Option, Request, RequestReader } from "./form.js";

/** What a reader may ask for on its first line, and what Lockstep's advertisement offers. */
export const OPTIONS: readonly Option[] = [
  "multi_ack",
  "thin-pack",
  "side-band",
  "side-band-64k",
  "ofs-delta",
  "deepen-relative",
  "no-progress",
  "include-tag",
  "multi_ack_detailed",
  "no-done",
  "filter",
];

/** These say what the client can do, and change nothing. */
const WITHOUT_EFFECT =
  /^(?:agent=[^ ]*|object-format=sha1|shallow|deepen-since|deepen-not|allow-tip-sha1-in-want|allow-reachable-sha1-in-want)$/;

const IN_WANTS = ["want", "shallow", "deepen", "deepen-since", "deepen-not", "filter"];

/** Reads a request of version 0 or 1, which differ in the advertisement alone. gitprotocol-pack(5) */
export function createVersionZero(version: 0 | 1): RequestReader {
  const fetch = emptyFetch(version);
  let part: "wants" | "haves" | "ended" = "wants";
  let isFirst = true;

  function takeLine(line: string): void {
    if (part === "wants") {
      takeArgument(fetch, isFirst ? takeOptions(fetch, line) : line, IN_WANTS);
      isFirst = false;
    } else if (line === "done") {
      fetch.end = "done";
      part = "ended";
    } else {
      takeArgument(fetch, line, ["have"]);
      fetch.end = "haves";
    }
  }

  return {
    take({ kind, ...packet }: Packet) {
      if (part === "ended" && kind === "flush" && fetch.end === "done") return;
      if (part === "ended" || kind === "delim") throw notUnderstood("lines after its end");
      if (kind === "line") takeLine((packet as { text: string }).text);
      // A round of haves ends with a flush, after which git's server exits.
      else if (part === "haves") {
        fetch.end = "haves";
        part = "ended";
      } else part = "haves";
    },
    finish(): Request {
      if (isFirst && part === "haves" && fetch.end === "wants") return { command: "probe" };
      requireSense(fetch);
      if (part === "wants" || (part === "haves" && fetch.end === "haves")) throw notUnderstood("no end");
      return fetch;
    },
  };
}

/** Reads the options of the first want. @returns the line without them */
function takeOptions(fetch: FetchRequest, line: string): string {
  const [want, id = "", ...options] = line.split(" ");
  for (const option of options.filter(Boolean)) {
    const known = OPTIONS.find((it) => it === option);
    if (known !== undefined) fetch.options.add(known);
    else if (!WITHOUT_EFFECT.test(option)) throw notUnderstood("a capability that is not offered");
  }
  if (want !== "want") throw notUnderstood("a first line that is no want");
  return `want ${id}`;
}
