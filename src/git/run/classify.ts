import type { ErrorCode } from "../../base/errors.js";

/**
 * This is the one table of git's messages (LC_ALL=C); the first match wins. What the gateway knows from an
 * HTTP status takes precedence; the table has what only git can say. The wordings are from git's own sources,
 * v2.38 and newer.
 */
const TABLE: readonly (readonly [ErrorCode, RegExp])[] = [
  // upload-pack.c: a replica of GitHub's has not seen the push yet
  ["not_yet", /not our ref [0-9a-f]{40}/],
  // fetch.c, remote.c: a ref that was asked for by name does not exist
  ["ref_missing", /couldn't find remote ref (\S+)/],
  // refs/files-backend.c: the old value given to update-ref is not the ref's value
  ["tip_moved", /is at [0-9a-f]{40,64} but expected [0-9a-f]{40,64}/],
  // refs/files-backend.c, refs/packed-backend.c: a power cut leaves empty refs and cut files
  ["corrupt", /reference broken$|ignoring broken ref |unterminated line in \S*packed-refs/m],
  // refs.c: the mirror has a ref whose name git would not write, as after a flipped bit in packed-refs
  ["corrupt", /refusing to update ref with bad name '/],
  ["tip_moved", /reference already exists|unable to resolve reference '[^']+'$/m],
  // refs.c refs_verify_refname_available: `a` conflicts with `a/b`
  [
    "ref_conflict",
    /'[^']+' exists; cannot create '[^']+'|there are still refs under|cannot process '[^']+' and '[^']+' at/,
  ],
  // unpack-trees.c, read-cache.c verify_path
  [
    "tree_refused",
    /error: invalid path '|bad config line \d+ in (?:blob|file|submodule-blob) \S*\.gitmodules/,
  ],
  ["disk_full", /No space left on device|Disk quota exceeded|Out of diskspace/],
  // lockfile.c
  ["locked", /Unable to create '[^']+\.lock': File exists|Another git process seems to be running/],
  ["permission", /Permission denied|Read-only file system/],
  // refs.c, refs/files-backend.c, lockfile.c: the file system has no room for the name, or other files are in its place
  [
    "ref_refused",
    /(?:cannot (?:lock|update) ref|[Uu]nable to create) '.*(?:File name too long|Invalid argument|Illegal byte sequence|[Ii]nvalid or incomplete multibyte|(?:Not|Is) a directory)$/m,
  ],
  ["ref_refused", /invalid ref format: |; non-directory in the way$/m],
  // The machine is at fault: what git concludes from a failed read proves nothing about the mirror.
  // wrapper.c, run-command.c; Node names the call alone: spawn git EAGAIN
  [
    "out_of_resources",
    /Cannot allocate memory|[Oo]ut of memory|Too many open files|Resource temporarily unavailable|spawn \S* ?(?:E[MN]FILE|ENOMEM|EAGAIN)\b/,
  ],
  ["git", /Input\/output error|Stale file handle/],
  // entry.c, files-backend.c, config.c: these leave out the reason, and whatever else it can be is named above
  [
    "disk_full",
    /unable to write (?:file |new index file)|couldn't write '[^']+\.lock'|failed to write new configuration file/,
  ],
  // setup.c, object-file.c, packfile.c, commit.c, tree.c, connected.c
  ["corrupt", /not a git repository/],
  [
    "corrupt",
    /(?:loose object|packed object|index file|pack file|packfile) \S+.* (?:is corrupt|is too small)/,
  ],
  ["corrupt", /packfile \S+ (?:does not match index|cannot be (?:opened|accessed)|signature mismatch)/],
  ["corrupt", /(?:fatal|error): bad (?:object|tree|ref|signature)|bad object (?:HEAD|[0-9a-f]{40})/],
  [
    "corrupt",
    /unable to read (?:sha1 file of|tree|parent) |missing (?:object|blob|tree|commit|tag) (?:object ')?[0-9a-f]{40}/,
  ],
  ["corrupt", /inflate: (?:data stream error|needs dictionary)|garbage at end of loose object/],
  ["corrupt", /(?:object file|file) \S+ is empty|unable to unpack [0-9a-f]{40} header/],
  ["corrupt", /trying to write ref '[^']+' with nonexistent object/],
  ["corrupt", /did not send all necessary objects|Could not read [0-9a-f]{40}|Failed to traverse parents/],
  ["corrupt", /unparsable (?:HEAD|contents)|bad config (?:line|file)|unexpected line in \S*packed-refs/],
  [
    "unreachable",
    /early EOF|unexpected disconnect|RPC failed|the remote end hung up|Empty reply from server/,
  ],
  ["unreachable", /Could not resolve host|Failed to connect|Connection (?:refused|reset|timed out)/],
];

/** Says what a failing git means; `git` when the table has no line for the message. */
export function classify(stderr: string): ErrorCode {
  for (const [code, pattern] of TABLE) if (pattern.test(stderr)) return code;
  return "git";
}

/** Returns the ref that a fetch by name did not find. */
export const missingRef = (stderr: string): string | null =>
  /couldn't find remote ref (\S+)/.exec(stderr)?.[1] ?? null;

/** Returns the refs that a fetch could not write, and git's reason for each. */
export const refusedRefs = (stderr: string): { ref: string; reason: string }[] =>
  [
    ...stderr.matchAll(/^error: (?:cannot (?:lock|update) ref '(.+?)': |fetching ref (\S+) failed: )(.*)$/gm),
  ].map(([, locked, fetched, reason]) => ({ ref: (locked ?? fetched)!, reason: reason! }));

/** Returns the first ref that git has left out of an answer because its file cannot be read; null: none. */
export const brokenRef = (stderr: string): string | null =>
  /ignoring broken ref (\S+)/.exec(stderr)?.[1] ?? null;

/**
 * Returns why git cannot answer what a reader asks for, though nothing is wrong with the mirror; null: it failed for
 * another reason. upload-pack.c, shallow.c
 */
export const unanswerable = (stderr: string): string | null =>
  /^fatal: (no commits selected for shallow requests)$/m.exec(stderr)?.[1] ?? null;
