import { holdVersion } from "../git/disk/swap.js";
import type { GitStream, StreamGit } from "../git/run/stream.js";
import type { Stall } from "../machine/limit.js";
import type { Version } from "./request/form.js";

/** A mirror that is read. */
export interface Served {
  /** The directory that has the mirror, not the link that leads there: a mirror may be replaced meanwhile. */
  dir: string;
}

export interface UploadPackCall {
  version: Version;
  /** A request that was rewritten; null: the list of refs of version 0 and 1. */
  input: Buffer | null;
  /** The time for the whole answer, in milliseconds. */
  timeoutMs: number;
  /** How many threads may compress. */
  threads: number;
  stall?: Stall;
  signal?: AbortSignal;
}

/**
 * Serves one request. Nobody but Lockstep's own refs is hidden by git, and any object may be asked for: every want was
 * checked before.
 */
export function uploadPack(streamGit: StreamGit, { dir }: Served, call: UploadPackCall): GitStream {
  const { version, input, threads, ...rest } = call;
  // git upload-pack --strict --stateless-rpc [--http-backend-info-refs] <mirror>
  const list = input === null ? ["--http-backend-info-refs"] : [];
  const release = holdVersion(dir);
  const answer = streamGit({
    ...rest,
    args: ["upload-pack", "--strict", "--stateless-rpc", ...list, dir],
    gitDir: null,
    protocol: version,
    config: configFor(dir, threads),
    ...(input === null ? {} : { input }),
  });
  answer.done.then(release, release);
  return answer;
}

const configFor = (dir: string, threads: number): Record<string, string> => ({
  "safe.directory": dir,
  "transfer.hideRefs": "refs/lockstep",
  "transfer.advertiseSID": "false",
  "transfer.advertiseObjectInfo": "false",
  "uploadpack.allowAnySHA1InWant": "true",
  "uploadpack.allowRefInWant": "false",
  "uploadpack.allowFilter": "true",
  "uploadpackfilter.allow": "false",
  "uploadpackfilter.blob:none.allow": "true",
  "uploadpackfilter.blob:limit.allow": "true",
  "uploadpackfilter.tree.allow": "true",
  "uploadpackfilter.tree.maxDepth": "0",
  "lsrefs.unborn": "advertise",
  "pack.threads": String(threads),
});
