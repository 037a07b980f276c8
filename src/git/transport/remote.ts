import { asRefreshError, type ErrorCode, explained, type RefreshError } from "../../base/errors.js";
import type { GitCall, GitResult, RunGit } from "../run/exec.js";
import type { Lease } from "./lease.js";

/**
 * git fails with one of these codes when the cached advertisement is outdated; a new advertisement may help.
 */
const STALE_ADVERT_CODES: ErrorCode[] = ["git", "upstream_error"];

export type RemoteCall = GitCall & {
  /** git is ended when GitHub sends nothing for so long, and git prints nothing either; in milliseconds. */
  stallMs?: number;
  /** Called before git is run once more, whatever the call's outcome: the first git may have left temporary files. */
  onRetry?(): void;
};

/**
 * Runs git through a lease. A failure that the gateway saw is named after what the gateway saw; git only
 * knows that the answer broke.
 */
export async function askRemote(git: RunGit, lease: Lease, call: RemoteCall): Promise<GitResult> {
  const { stallMs, onRetry, ...own } = call;
  const stall = stallMs === undefined ? {} : { stall: { ms: stallMs, progress: () => lease.stats.bytes } };
  const attempt = async () => {
    try {
      return await git({ ...own, ...stall, config: { ...call.config, ...lease.config } });
    } catch (error) {
      throw lease.failure() ?? namedAfterServer(lease, asRefreshError(error));
    }
  };
  try {
    return await attempt();
  } catch (error) {
    const mayBeStale = STALE_ADVERT_CODES.includes(asRefreshError(error).code);
    if (!mayBeStale || call.signal?.aborted || !lease.renewAdvert()) throw error;
    onRetry?.();
    return attempt();
  }
}

/** A fetch that GitHub left hanging, or hung up on, without a byte says something about GitHub's server. */
export function namedAfterServer({ stats, host }: Lease, error: RefreshError): RefreshError {
  if (!error.is("serverIsSilent") || stats.bytes > 0) return error;
  return explained(error, host, { resource: { kind: "git", host } });
}
