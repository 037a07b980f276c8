import { join } from "node:path";
import type { Call } from "./lines.js";

/** What one system call did to the disk. Paths are absolute; those that the caller named may lead through links. */
export type Operation =
  | { kind: "create"; path: string; mode: number }
  | {
      kind: "write";
      path: string /** Null: where the last one ended. */;
      offset: number | null;
      data: Buffer;
    }
  | { kind: "seek"; path: string; offset: number }
  | { kind: "truncate"; path: string; size: number }
  | { kind: "sync"; path: string }
  /** Everything on the file system. */
  | { kind: "sync-all" }
  | { kind: "mkdir"; path: string; mode: number }
  | { kind: "symlink"; path: string; target: string }
  | { kind: "link"; from: string; path: string }
  | { kind: "rename"; from: string; path: string }
  | { kind: "remove"; path: string }
  | { kind: "chmod"; path: string; mode: number }
  /** The 202 to a delivery: what happened before it must survive. */
  | { kind: "accepted" };

/** The calls that `operations` understands, for `strace -e trace=`; chdir because later paths are relative to it. */
export const OPERATION_CALLS = [
  ..."openat,creat,write,writev,pwrite64,pwritev,lseek,truncate,ftruncate".split(","),
  ..."fsync,fdatasync,sync_file_range,syncfs,sync,mkdir,mkdirat,symlink,symlinkat,link,linkat".split(","),
  ..."rename,renameat,renameat2,unlink,unlinkat,rmdir,chmod,fchmod,fchmodat,chdir,fchdir".split(","),
];

/** The system's umask where none is set; Lockstep's own modes are narrower. */
const UMASK = 0o022;

/** Understands calls in the order in which they ended. Those that failed did nothing. */
export class Operations {
  /** The directories in which threads work, as far as their calls have shown them. */
  readonly #cwds = new Map<number, string>();

  /** A call that makes and empties a file did two things; most did none. */
  of(call: Call): Operation[] {
    this.#learnCwd(call);
    if (/^(?:-1|\?)/.test(call.result)) return [];
    const of = READERS[call.name];
    return of === undefined ? [] : of(call, (tid, path) => join(this.#cwds.get(tid) ?? "/", path));
  }

  #learnCwd({ tid, name, args, result }: Call): void {
    const shown = /AT_FDCWD<([^>]*)>/.exec(args)?.[1];
    if (shown !== undefined) this.#cwds.set(tid, unescaped(shown));
    const to = name === "fchdir" ? fileOf(args) : texts(args)[0];
    if (!/^f?chdir$/.test(name) || to === undefined || result !== "0") return;
    this.#cwds.set(tid, to.startsWith("/") ? to : join(this.#cwds.get(tid) ?? "/", to));
  }
}

type Absolute = (tid: number, path: string) => string;
type Reader = (call: Call, absolute: Absolute) => Operation[];

const open: Reader = ({ args, result }) => {
  const path = fileOf(result);
  if (path === undefined) return [];
  const made: Operation[] = [];
  if (args.includes("O_CREAT"))
    made.push({ kind: "create", path, mode: octal(args.split(", ").at(-1)) & ~UMASK });
  if (args.includes("O_TRUNC")) made.push({ kind: "truncate", path, size: 0 });
  return made;
};

const write: Reader = ({ args, name, result }) => {
  const [text] = texts(args);
  if (/^\d+<socket:/.test(args)) return /^HTTP\/1\.1 202 /.test(text ?? "") ? [{ kind: "accepted" }] : [];
  const path = fileOf(args);
  if (path === undefined || text === undefined) return [];
  const offset = name.startsWith("p") ? Number(args.split(", ").at(-1)) : null;
  const data = Buffer.concat(texts(args).map((part) => Buffer.from(part, "latin1")));
  return [{ kind: "write", path, offset, data: data.subarray(0, Number(result)) }];
};

const sync: Reader = ({ args }) => {
  const path = fileOf(args);
  return path === undefined ? [] : [{ kind: "sync", path }];
};
const syncAll: Reader = () => [{ kind: "sync-all" }];

const truncate: Reader = (call, absolute) => {
  const path = fileOf(call.args) ?? onePath(call, absolute);
  return path === undefined ? [] : [{ kind: "truncate", path, size: Number(call.args.split(", ").at(-1)) }];
};

const mkdir: Reader = (call, absolute) => {
  const mode = octal(call.args.split(", ").at(-1)) & ~UMASK;
  return [{ kind: "mkdir", path: onePath(call, absolute)!, mode }];
};

const chmod: Reader = (call, absolute) => {
  const path = fileOf(call.args) ?? onePath(call, absolute);
  return path === undefined ? [] : [{ kind: "chmod", path, mode: octal(/\b0\d*\b/.exec(call.args)?.[0]) }];
};

const remove: Reader = (call, absolute) => [{ kind: "remove", path: onePath(call, absolute)! }];

const two = (kind: "link" | "rename"): Reader => {
  return (call, absolute) => {
    const [from, path] = paths(call, absolute);
    return [{ kind, from: from!, path: path! }];
  };
};

const READERS: Record<string, Reader | undefined> = {
  openat: open,
  creat: open,
  write,
  writev: write,
  pwrite64: write,
  pwritev: write,
  lseek: ({ args, result }) => [{ kind: "seek", path: fileOf(args) ?? "", offset: Number(result) }],
  truncate,
  ftruncate: truncate,
  fsync: sync,
  fdatasync: sync,
  sync_file_range: sync,
  syncfs: syncAll,
  sync: syncAll,
  mkdir,
  mkdirat: mkdir,
  symlink: (call, absolute) => symlink(call, absolute),
  symlinkat: (call, absolute) => symlink(call, absolute),
  link: two("link"),
  linkat: two("link"),
  rename: two("rename"),
  renameat: two("rename"),
  renameat2: two("rename"),
  unlink: remove,
  unlinkat: remove,
  rmdir: remove,
  chmod,
  fchmod: chmod,
  fchmodat: chmod,
};

function symlink(call: Call, absolute: Absolute): Operation[] {
  const [target] = texts(call.args).map(utf8);
  return [{ kind: "symlink", target: target!, path: paths(call, absolute)[1]! }];
}

const onePath = (call: Call, absolute: Absolute): string | undefined => paths(call, absolute)[0];

/** Returns the paths that a call names, each below the directory that is open for it. */
function paths({ tid, args }: Call, absolute: Absolute): string[] {
  let dir: string | undefined;
  return [...args.matchAll(SHOWN)].flatMap(([, opened, text]) => {
    if (opened !== undefined) dir = utf8(unescaped(opened));
    if (text === undefined) return [];
    const path = utf8(unescaped(text));
    if (path.startsWith("/")) return [path];
    return [dir === undefined ? absolute(tid, path) : join(dir, path)];
  });
}

/** Returns the file of the descriptor at the beginning: `39</data/file>`. Sockets and pipes have no path. */
function fileOf(text: string): string | undefined {
  const path = /^\d+<(\/[^>]*)>/.exec(text)?.[1];
  return path === undefined ? undefined : utf8(unescaped(path));
}

/** `<path of a descriptor>`, in which quotes stand for themselves, or `"a string"`. */
const SHOWN = /<([^>]*)>|"((?:[^"\\]|\\.)*)"/g;

/** Returns the strings of the arguments, a character for each byte. */
const texts = (args: string): string[] =>
  [...args.matchAll(SHOWN)].flatMap(([, , text]) => (text === undefined ? [] : [unescaped(text)]));

const NAMED: Record<string, string> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" };

/** strace(1) prints strings as C does: `\n`, `\"`, and `\0` to `\377`, octal. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:([0-7]{1,3})|(.))/g, (_, code: string | undefined, one: string) =>
    code === undefined ? (NAMED[one] ?? one) : String.fromCharCode(Number.parseInt(code, 8)),
  );

const utf8 = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

const octal = (text = ""): number => (/^0[0-7]*$/.test(text) ? Number.parseInt(text, 8) : 0o644);
