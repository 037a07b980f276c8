import { asRefreshError } from "../../base/errors.js";
import type { LeaseState } from "./lease.js";
import { FLUSH, pktLine } from "./pkt-line.js";

/** An empty repository's list of refs, in protocol version 2. */
export const NO_REFS = FLUSH;

/** What a server says of itself that has no repository to offer yet: https://git-scm.com/docs/protocol-v2 */
export const BARE_ADVERT = Buffer.concat([
  pktLine("# service=git-upload-pack\n"),
  FLUSH,
  pktLine("version 2\n"),
  pktLine("agent=lockstep\n"),
  pktLine("ls-refs\n"),
  pktLine("fetch\n"),
  pktLine("object-format=sha1\n"),
  FLUSH,
]);

/** Whether GitHub's answer says that nothing was written yet, where the lease allows for that. */
export const isUnwritten = async (
  { mayBeUnwritten }: Pick<LeaseState, "mayBeUnwritten">,
  error: unknown,
): Promise<boolean> => asRefreshError(error).code === "not_found" && (await mayBeUnwritten());
