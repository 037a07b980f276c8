import type { StreamGit } from "../run/stream.js";
import type { Source } from "./gitmodules.js";

/** Files and directories, and the bytes of the files. */
export interface Count {
  entries: number;
  bytes: number;
}

interface CountCall {
  commit: string;
  /** Only these, and what is below them; none: all. */
  paths: readonly string[];
  /** Counting stops where the count exceeds one of these. */
  most: Count;
  /** False: no content is looked up, as a partial mirror may lack it, and bytes are 0. Default: true. */
  countsBytes?: boolean;
}

/**
 * Counts what a commit has, without keeping it in memory. Trees may have each other many times, so that some
 * hundred bytes stand for millions of files; directories count because they may be all that there is.
 * @throws RefreshError
 */
export async function countEntries(
  streamGit: StreamGit,
  from: Source,
  { commit, paths, most, countsBytes = true }: CountCall,
): Promise<Count> {
  const count: Count = { entries: 0, bytes: 0 };
  const format = countsBytes ? "%(objectsize)" : "-";
  // git --literal-pathspecs ls-tree -r -t --format=%(objectsize) <commit> -- <path>…
  const args = ["--literal-pathspecs", "ls-tree", "-r", "-t", `--format=${format}`, commit, "--", ...paths];
  const { stdout, done } = streamGit({ ...from, args });
  done.catch(() => {});
  let rest = "";
  for await (const chunk of stdout) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop()!;
    count.entries += lines.length;
    // git prints - for a directory or a submodule.
    for (const line of lines) if (line !== "-") count.bytes += Number(line);
    // Leaving the loop destroys the stream, which ends git.
    if (count.entries > most.entries || count.bytes > most.bytes) return count;
  }
  await done;
  return count;
}
