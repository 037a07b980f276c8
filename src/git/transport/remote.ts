import { asRefreshError, type ErrorCode } from "../../base/errors.js";
import type { GitCall, GitResult, RunGit } from "../run/exec.js";
import type { Lease } from "./lease.js";

/**
 * git fails with one of these codes when the cached advertisement is outdated; a new advertisement may help.
 */
const STALE_ADVERT_CODES: ErrorCode[] = ["git", "upstream_error"];

/**
 * Runs git through a lease. A failure that the gateway saw is named after what the gateway saw; git only
 * knows that the answer broke.
 */
export async function askRemote(git: RunGit, lease: Lease, call: GitCall): Promise<GitResult> {
  const attempt = async () => {
    try {
      return await git({ ...call, config: { ...call.config, ...lease.config } });
    } catch (error) {
      throw lease.failure() ?? error;
    }
  };
  try {
    return await attempt();
  } catch (error) {
    const mayBeStale = STALE_ADVERT_CODES.includes(asRefreshError(error).code);
    if (!mayBeStale || call.signal?.aborted || !lease.renewAdvert()) throw error;
    return attempt();
  }
}
