import type { Packet } from "../pktline.js";

/** The version of git's protocol that a reader speaks. */
export type Version = 0 | 1 | 2;

/** What a reader may tell upload-pack to do, as it is written in either protocol. */
export type Option =
  | "deepen-relative"
  | "filter"
  | "include-tag"
  | "multi_ack"
  | "multi_ack_detailed"
  | "no-done"
  | "no-progress"
  | "ofs-delta"
  | "side-band"
  | "side-band-64k"
  | "thin-pack";

/** A request for a pack, as far as it was understood. All text has one character for each byte (latin1). */
export interface FetchRequest {
  command: "fetch";
  version: Version;
  options: Set<Option>;
  /** Full object names, as in the two lists below. */
  wants: string[];
  /** The commits at which the reader's history ends. */
  shallows: string[];
  haves: string[];
  /** null: the whole history. */
  depth: number | null;
  /** In seconds since 1970; null: not limited by time. */
  since: number | null;
  /** Refs whose history is left out, as the reader names them. */
  not: string[];
  /** One of `blob:none`, `blob:limit=<n>` and `tree:0`; null: none. */
  filter: string | null;
  /** What came last: in version 0 and 1 the wants alone may be a round. */
  end: "wants" | "haves" | "done";
}

/** A request for the list of refs, which only version 2 has. */
export interface ListRequest {
  command: "ls-refs";
  version: 2;
  peel: boolean;
  symrefs: boolean;
  unborn: boolean;
  prefixes: string[];
}

/** An empty request: git probes whether it may send a long body. */
export interface Probe {
  command: "probe";
}

export type Request = FetchRequest | ListRequest | Probe;

/** Reads the packets of one request in their order. */
export interface RequestReader {
  /** @throws Refusal 400 for everything that is not understood */
  take(packet: Packet): void;
  /** @throws Refusal 400 when the request is not complete */
  finish(): Request;
}
