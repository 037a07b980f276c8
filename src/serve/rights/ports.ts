import type { Caller } from "../../base/access.js";
import type { RepositoryName } from "../../base/model.js";
import type { ReadAnswer } from "../../git/transport/readers.js";
import type { ConfirmPorts } from "./confirm.js";

/** A managed repository that may be served. */
export interface Served extends RepositoryName {
  id: number;
  installationId: number;
}

export interface RightsPorts extends ConfirmPorts {
  /** Finds the repository that has the name, by what Lockstep knows; null: none that may be served. */
  find(name: RepositoryName): Served | null;
  /** Returns the repository; null: it may not be served any more. */
  get(id: number): Served | null;
  /** Asks GitHub with the reader's own credentials. Never throws. */
  mayRead(name: RepositoryName, authorization: string | null): Promise<ReadAnswer>;
  /** Returns whoever has one of Lockstep's own tokens; null: nobody. */
  findToken(secret: string): Caller | null;
  /** GitHub's answer and the registry differ about a name. */
  doubt(repository: Served): void;
  /** A right was judged. Nothing here is secret. */
  onJudged?(labels: { way: string; result: string }): void;
}

/** What a way of proving a right has found out. */
export type Finding =
  /** The reader may read the repository that has the name; null: Lockstep does not mirror that one. */
  | { kind: "yes"; repositoryId: number | null; reader: string }
  /** The credential is wrong. */
  | { kind: "unauthorized" }
  /** The credential is right, and not for this name; or there is no such repository. */
  | { kind: "no" }
  /** Nobody can say now. */
  | { kind: "unavailable"; retryAfter: number | null };

export const NO: Finding = { kind: "no" };
export const UNAUTHORIZED: Finding = { kind: "unauthorized" };

/** Whether two names are one to GitHub, whose names differ by more than case. */
export const isSameName = (a: RepositoryName, b: RepositoryName): boolean =>
  a.owner.toLowerCase() === b.owner.toLowerCase() && a.name.toLowerCase() === b.name.toLowerCase();
