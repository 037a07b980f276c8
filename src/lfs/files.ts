import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Layout } from "../git/disk/layout.js";
import { syncPaths } from "../machine/durable.js";
import type { NamedObject } from "./records.js";

/**
 * The objects of one repository. They lie as git-lfs itself keeps them, so that `git config lfs.storage` can name the
 * directory.
 */
export interface ObjectFiles {
  /** Where downloads are written before they are objects. */
  readonly incoming: string;
  /** Says up to which tips pointers were looked for. */
  readonly scanned: string;
  /** Makes an empty `incoming`. @throws Error when the repository's directory is gone */
  prepare(): Promise<void>;
  clear(): Promise<void>;
  /** Whether an object is here already, by its content. */
  has(object: NamedObject): Promise<boolean>;
  /** Whether a file of the object's size is here. */
  seems(object: NamedObject): Promise<boolean>;
  /** Takes downloads in, whose contents were checked; they survive a power cut then. */
  take(oids: readonly string[]): Promise<void>;
  remove(oid: string): Promise<void>;
  /** Opens an object. @throws Error when its file is gone */
  open(oid: string): Promise<Readable>;
}

const MODE = 0o750;

export function objectFiles({ repository }: Pick<Layout, "repository">, id: number): ObjectFiles {
  const dir = join(repository(id), "lfs");
  const incoming = join(dir, "incoming");
  const pathOf = (oid: string) => join(dir, "objects", oid.slice(0, 2), oid.slice(2, 4), oid);
  return {
    incoming,
    scanned: join(dir, "scanned"),
    async prepare() {
      // Nothing is made for a repository whose directory was deleted meanwhile.
      if (!existsSync(dir)) mkdirSync(dir, { mode: MODE });
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { mode: MODE });
    },
    clear: () => rm(incoming, { recursive: true, force: true }),
    has: ({ oid, size }) => isObject(pathOf(oid), { oid, size }),
    seems: async ({ oid, size }) => (await sizeOf(pathOf(oid))) === size,
    async take(oids) {
      await syncPaths(oids.map((oid) => join(incoming, oid)));
      const parents = new Set<string>();
      for (const oid of oids) {
        const parent = dirname(pathOf(oid));
        // The directory of the repository is not made again.
        await mkdir(parent, { recursive: existsSync(dir), mode: MODE });
        await rename(join(incoming, oid), pathOf(oid));
        for (const path of [parent, dirname(parent), join(dir, "objects")]) parents.add(path);
      }
      await syncPaths(parents);
    },
    remove: (oid) => rm(pathOf(oid), { force: true }),
    async open(oid) {
      const file = await open(pathOf(oid), "r");
      return file.createReadStream();
    },
  };
}

async function isObject(path: string, { oid, size }: NamedObject): Promise<boolean> {
  if ((await sizeOf(path)) !== size) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === oid;
}

/** @returns bytes; null: there is no such file */
const sizeOf = async (path: string): Promise<number | null> =>
  (await stat(path).catch(() => null))?.size ?? null;
