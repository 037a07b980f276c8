import type { Readable } from "node:stream";
import type { LfsDownload, LfsLocation, LfsQuestion } from "../../git/transport/lfs.js";
import type { Target } from "../../git/transport/upstream.js";
import type { Reading } from "../from-mirror.js";
import type { Passed, PassPorts } from "../pass-through.js";
import type { Slots } from "../slots.js";
import type { Locations } from "./locations.js";
import type { ReadQuestion } from "./question.js";
import type { Tickets } from "./ticket.js";

/** The objects that are kept with the mirrors. */
export interface KeptObjects {
  /** Returns the size of an object that a pointer in the repository's mirror names, in bytes; null: it is not kept. */
  sizeOf(repositoryId: number, oid: string): number | null;
  /** @throws Error when the file is gone */
  open(repositoryId: number, oid: string): Promise<Readable>;
}

export interface LfsPorts extends Pick<PassPorts, "targetOf"> {
  /** Asks GitHub where objects are. @returns what it says, by the object's id @throws RefreshError */
  ask(target: Target, question: LfsQuestion): Promise<Map<string, LfsLocation>>;
  /** Opens the content of an object at GitHub. @throws RefreshError */
  open(from: Pick<LfsDownload, "href" | "header" | "label">, signal: AbortSignal): Promise<Readable>;
  /** null: none are kept. */
  kept: KeptObjects | null;
  readQuestion: ReadQuestion;
  tickets: Tickets;
  locations: Locations;
  /** Limits how many questions go to GitHub at a time. */
  asking: Slots;
  /** Limits how many downloads do. */
  downloading: Slots;
  /** The time for one download, in milliseconds. */
  timeoutMs: number;
}

/** A request of Git LFS, of a reader who may read the repository. */
export type Asking = Pick<Reading, "request" | "response" | "signal"> & Pick<Passed, "route" | "right">;
