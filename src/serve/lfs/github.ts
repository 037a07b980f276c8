import { asRefreshError } from "../../base/errors.js";
import type { LfsLocation } from "../../git/transport/lfs.js";
import { asRefusal, ownCredentials, targetFor } from "../pass-through.js";
import { Refusal } from "../refusal.js";
import type { Asking, LfsPorts } from "./ports.js";
import type { BatchQuestion } from "./question.js";

/** How long GitHub may take to say where objects are, in milliseconds. */
const ASKED_MS = 30_000;

export interface Found {
  byOid: Map<string, LfsLocation>;
  /** Whether the App's token was sent, so that the answer may hold a credential of the App's. */
  asApp: boolean;
}

/**
 * Asks GitHub where objects are: with the reader's own credentials where GitHub has judged them, else with the App's, for a
 * managed repository alone. @throws Refusal
 */
export async function locate(
  ports: Pick<LfsPorts, "ask" | "targetOf">,
  asking: Asking,
  objects: BatchQuestion["objects"],
): Promise<Found> {
  const target = targetFor(ports, asking);
  const authorization = ownCredentials(asking);
  const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(ASKED_MS)]);
  try {
    const byOid = await ports.ask(target, { objects, authorization, signal });
    return { byOid, asApp: authorization === null && target.installationId !== null };
  } catch (error) {
    throw refusalOf(error, { isReaders: authorization !== null });
  }
}

/** @param isReaders whether GitHub was asked with the reader's own credentials */
export function refusalOf(error: unknown, { isReaders }: { isReaders: boolean }): Refusal {
  if (error instanceof Refusal) return error;
  const failure = asRefreshError(error);
  if (failure.code === "lfs_missing") return new Refusal(404, "GitHub does not give this object");
  const refusal = asRefusal(failure);
  // A reader has no better credentials than those that were good for Lockstep.
  if (refusal.status === 401 && !isReaders) return new Refusal(503, "GitHub cannot answer now", 10);
  return refusal;
}
