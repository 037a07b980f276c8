import { asRefreshError, type ErrorCode, explained, type RefreshError } from "../../base/errors.js";
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
      throw lease.failure() ?? namedAfterServer(lease, asRefreshError(error));
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

/** A git that GitHub left hanging, or hung up on, without a byte says something about GitHub's server. */
function namedAfterServer({ stats, host }: Lease, error: RefreshError): RefreshError {
  if (!error.is("serverIsSilent") || stats.bytes > 0) return error;
  return explained(error, host, { resource: { kind: "git", host } });
}
