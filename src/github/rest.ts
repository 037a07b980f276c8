import { restError } from "./errors.js";
import type { LimitOwner } from "./limits.js";

/** An answer with GitHub's clock at the answer, in whole seconds since 1970. */
export interface Dated<T> {
  value: T;
  at: number;
  /** The local clock before the question was asked, in milliseconds: the answer says nothing of later changes. */
  askedAt: number;
}

/**
 * @returns GitHub's clock at an answer, in whole seconds since 1970; the local clock where the answer has
 * none
 */
export function clockOf(headers: { date?: string }): number {
  const at = Date.parse(headers.date ?? "");
  return Math.floor((Number.isNaN(at) ? Date.now() : at) / 1000);
}

/**
 * Makes a REST call. @param whose the rate limit that the call counts against @throws RefreshError, whatever the
 * call throws
 */
export async function callRest<T>(call: () => Promise<T>, whose: LimitOwner = "app"): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw restError(error, whose);
  }
}

/** Makes a REST call. @returns null: the requested object does not exist @throws RefreshError */
export async function callRestOrNull<T>(
  call: () => Promise<T>,
  whose: LimitOwner = "app",
): Promise<T | null> {
  try {
    return await callRest(call, whose);
  } catch (error) {
    if ((error as { code?: string }).code === "not_found") return null;
    throw error;
  }
}
