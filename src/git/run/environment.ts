/** What a git call sees of the machine is listed here, and nothing else is visible. */
export interface Surroundings {
  /** GIT_DIR; null for a command that needs no repository. */
  gitDir: string | null;
  /** Where objects are read and written when they are outside the GIT_DIR. */
  objectDir?: string;
  /** A second directory, where objects are only read. */
  alternate?: string;
  /**
   * GIT_WORK_TREE; git reads nothing outside it. The tree's index is never kept in the GIT_DIR or in the
   * tree.
   */
  workTree?: { dir: string; index: string };
  /** GNUPGHOME, for verifying a signature. */
  gnupgHome?: string;
  /** The protocol of a reader whom git serves: GIT_PROTOCOL in git(1). Default: git's own default, version 0. */
  protocol?: 0 | 1 | 2;
  /** Configuration for this call, passed through its environment, so that nothing of it shows in `ps`. */
  config?: Record<string, string>;
}

const HERMETIC = {
  "protocol.allow": "never",
  "protocol.http.allow": "always",
  "protocol.version": "2",
  "http.followRedirects": "false",
  "core.hooksPath": "/dev/null",
  "transfer.bundleURI": "false",
  "transfer.credentialsInUrl": "die",
  "safe.bareRepository": "explicit",
  "fetch.recurseSubmodules": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "core.logAllRefUpdates": "false",
  // Loose objects, packs and refs are synced as they are written: git-config(1), core.fsync. The method
  // `batch` is not used: on btrfs a ref outlived the commit that it names.
  "core.fsync": "committed",
  "core.fsyncMethod": "fsync",
};

/** git splits the variable at colons, except inside quotes: git(1) */
const quotedEntry = (dir: string): string => (dir.includes(":") ? `"${dir.replace(/[\\"]/g, "\\$&")}"` : dir);

/** @param path PATH, the only part of the operator's environment that git sees */
export function environment(path: string, call: Surroundings): Record<string, string> {
  const config = Object.entries({ ...HERMETIC, ...call.config });
  const env: Record<string, string> = {
    PATH: path,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    // git 3 makes SHA-256 repositories by default; the scratch directory, and GitHub, have SHA-1.
    GIT_DEFAULT_HASH: "sha1",
    GIT_DEFAULT_REF_FORMAT: "files",
    // A ref under refs/replace/ would replace one commit by another: git-replace(1).
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_CONFIG_COUNT: String(config.length),
  };
  config.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  if (call.gitDir !== null) env.GIT_DIR = call.gitDir;
  if (call.objectDir !== undefined) env.GIT_OBJECT_DIRECTORY = call.objectDir;
  if (call.workTree !== undefined) {
    env.GIT_WORK_TREE = call.workTree.dir;
    env.GIT_INDEX_FILE = call.workTree.index;
  }
  if (call.gnupgHome !== undefined) env.GNUPGHOME = call.gnupgHome;
  if (call.protocol !== undefined) env.GIT_PROTOCOL = `version=${call.protocol}`;
  if (call.alternate !== undefined) env.GIT_ALTERNATE_OBJECT_DIRECTORIES = quotedEntry(call.alternate);
  return env;
}
