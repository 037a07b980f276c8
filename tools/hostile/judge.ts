import type { Attempt } from "./attack.js";
import type { Reply } from "./send.js";
import { HOOK, type Target } from "./target.js";

/** Returns what is wrong with an answer; null when nothing is. */
export function faultOf(
  { bytes, expected, isVerified, ending, secrets = [] }: Attempt,
  { statuses, text, failure }: Reply,
  { confidential }: Pick<Target, "confidential">,
): string | null {
  if (failure === "refused") return "the connection was refused";
  if (failure === "no end" && ending !== "leave") return "the connection did not end";
  // 503 says that memory or time is short, which is what these attacks are for.
  const failed = statuses.find((status) => status >= 500 && status !== 503);
  if (failed !== undefined) return `answered ${failed}`;
  if (expected === "answer" && statuses.length === 0) return "no answer came";
  // 100 only says that a body may come.
  const good = statuses.find((status) => status >= 200 && status < 400);
  if (expected === "refusal" && good !== undefined) return `answered ${good}, and not refused`;
  const hidden = secrets.find((secret) => text.includes(secret));
  if (hidden !== undefined) return `the answer has ${hidden}, which is hidden`;
  if (isVerified) return null;
  if (isFor(bytes, HOOK) && statuses.some((status) => status === 202 || status === 204))
    return "an unsigned delivery was accepted";
  const told = confidential.find((secret) => text.includes(secret));
  return told === undefined ? null : `the answer has ${told}`;
}

const isFor = (bytes: Buffer, path: string): boolean => bytes.subarray(0, 200).includes(`POST ${path}`);
