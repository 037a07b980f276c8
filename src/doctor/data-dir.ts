import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type Finding, fail, ok, warn } from "./finding.js";
import type { Surroundings } from "./machine.js";

type Where = Pick<Surroundings, "dataDir">;

const OTHERS = 0o007;
/** The first bytes of every file of SQLite: https://sqlite.org/fileformat.html#magic_header_string */
const SQLITE_HEADER = "SQLite format 3\0";

const TRASH = "trash";
const DIRECTORIES = ["repos", "mirrors", "checkouts", TRASH, "run"];
const FILES = ["lockstep.db", "lockstep.db-wal", "lockstep.db-shm", "lock", "lock-journal"];

/** Checks that DATA_DIR, and what Lockstep made in it, can be used. Changes nothing. */
export function checkDataDir({ dataDir }: Where): Finding {
  const missing = nearestParent(dataDir);
  if (missing !== dataDir) return judgeMissing(dataDir, missing);
  if (!statSync(dataDir).isDirectory())
    return wrong(`${dataDir} is not a directory`, "move it away, or choose another DATA_DIR");
  const unusable = [dataDir, ...DIRECTORIES.map((name) => join(dataDir, name))]
    .map((path) => judgeEntry(path, { isDirectory: true }))
    .concat(FILES.map((name) => judgeEntry(join(dataDir, name), { isDirectory: false })))
    .filter((found) => found !== null);
  const failing = unusable.find(({ level }) => level === "fail") ?? unusable[0];
  if (failing) return failing;
  if (statSync(dataDir).mode & OTHERS)
    return warn("DATA_DIR", `every user of this machine can read ${dataDir}`, `chmod o= ${dataDir}`);
  return ok("DATA_DIR", dataDir);
}

/** Checks that the files of SQLite are some. @returns none: there is no database yet */
export function checkDatabase({ dataDir }: Where): Finding[] {
  return ["lockstep.db", "lock"].flatMap((name) => judgeDatabase(join(dataDir, name)) ?? []);
}

/** @returns null: the file has nothing yet, or cannot be read, which `checkDataDir` says */
function judgeDatabase(file: string): Finding | null {
  const start = Buffer.alloc(SQLITE_HEADER.length);
  try {
    if (!statSync(file).isFile() || statSync(file).size === 0) return null;
    const opened = openSync(file, "r");
    readSync(opened, start);
    closeSync(opened);
  } catch {
    return null;
  }
  return start.toString("latin1") === SQLITE_HEADER
    ? ok("DATA_DIR", `${file} is a database`)
    : notADatabase(file);
}

/** The mirrors need no backup, since what the database lacks is read from GitHub. */
export const notADatabase = (file: string): Finding =>
  wrong(
    `${file} is not a database, or is damaged`,
    "restore it from a backup (docs/operations.md), or move it away: a new one is made, and every mirror compared with GitHub",
  );

const wrong = (detail: string, remedy: string): Finding => fail("DATA_DIR", detail, remedy);

function judgeMissing(dataDir: string, parent: string): Finding {
  if (!statSync(parent).isDirectory())
    return wrong(`${dataDir} cannot be made, since ${parent} is not a directory`, "correct DATA_DIR");
  const [next = ""] = relative(parent, dataDir).split("/");
  const path = join(parent, next);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    return wrong(
      `${path} is a link to ${readlinkSync(path)}, which does not exist`,
      "mount or make what it leads to, or correct DATA_DIR",
    );
  return (
    judgeEntry(parent, { isDirectory: true }) ??
    ok("DATA_DIR", `${dataDir} will be created at the first start`)
  );
}

/** @returns null: the path can be used, or does not exist */
function judgeEntry(path: string, { isDirectory }: { isDirectory: boolean }): Finding | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return null;
  if (found.isDirectory() !== isDirectory)
    return wrong(
      `${path} is ${isDirectory ? "not " : ""}a directory`,
      "move it away, or choose another DATA_DIR",
    );
  try {
    accessSync(path, constants.W_OK | (isDirectory ? constants.X_OK : constants.R_OK));
    return null;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const found = wrong(`${path} cannot be written (${code})`, REMEDIES[code] ?? "choose another DATA_DIR");
    // Without the trash nothing can be removed, and all else goes on; what stays is reported.
    return basename(path) === TRASH ? { ...found, level: "warn" } : found;
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "run as the user that owns it, or change its owner and mode (chown, chmod u+rwX)",
  EPERM: "remove its attribute i or a (lsattr, chattr -i), or choose another DATA_DIR",
  EROFS:
    "mount its file system for writing, name it in ReadWritePaths of systemd, or choose another DATA_DIR",
};

/** A dangling link does not exist, and what it leads to would not be made. */
export const nearestParent = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestParent(dirname(path));
