import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Operation } from "../trace/operations.js";
import { FileNode } from "./file.js";

export class DirectoryNode {
  readonly entries = new Map<string, DiskNode>();
  /** The names that the last sync of the directory made certain. */
  synced = new Map<string, DiskNode>();

  constructor(readonly mode: number) {}

  sync(): void {
    this.synced = new Map(this.entries);
  }
}

export interface LinkNode {
  target: string;
}

export type DiskNode = FileNode | DirectoryNode | LinkNode;

/** More links than this on one way are a circle. */
const MOST_LINKS = 20;

/** A directory as system calls change it, which remembers what a power cut must leave and what it may take. */
export class Disk {
  readonly root: DirectoryNode;

  /**
   * @param dir the directory whose operations are replayed
   * @param copy what it had before the first operation; all of it is certain
   */
  constructor(
    private readonly dir: string,
    copy: string,
  ) {
    this.root = readDirectory(copy);
  }

  /** Operations elsewhere, and on files that no name leads to any more, do nothing. */
  apply(operation: Operation): void {
    if (operation.kind === "sync-all") syncBelow(this.root);
    if (!("path" in operation)) return;
    const place = this.#place(operation.path);
    if (place !== null) this.#change(operation, place);
  }

  #change(operation: Operation & { path: string }, place: Place): void {
    const { parent, name } = place;
    const { entries } = parent;
    if (operation.kind === "mkdir") entries.set(name, new DirectoryNode(operation.mode));
    else if (operation.kind === "symlink") entries.set(name, { target: operation.target });
    else if (operation.kind === "remove") entries.delete(name);
    else if (operation.kind === "link" || operation.kind === "rename") this.#move(operation, place);
    else this.#changeNode(operation, place);
  }

  #move({ kind, from }: { kind: "link" | "rename"; from: string }, to: Place): void {
    const source = this.#place(from);
    const node = source?.parent.entries.get(source.name);
    if (source === null || node === undefined) return;
    if (kind === "rename") source.parent.entries.delete(source.name);
    to.parent.entries.set(to.name, node);
  }

  #changeNode(operation: Operation & { path: string }, { parent, name }: Place): void {
    if (operation.kind === "create" && !parent.entries.has(name))
      parent.entries.set(name, new FileNode(null, operation.mode));
    const node = name === "" ? parent : this.#followed(parent, name, operation.path);
    if (operation.kind === "sync" && node instanceof DirectoryNode) node.sync();
    if (!(node instanceof FileNode)) return;
    if (operation.kind === "sync") node.sync();
    else if (operation.kind === "create") node.seek(0);
    else if (operation.kind === "write") node.write(operation.data, operation.offset);
    else if (operation.kind === "truncate") node.truncate(operation.size);
    else if (operation.kind === "seek") node.seek(operation.offset);
    else if (operation.kind === "chmod") node.mode = operation.mode;
  }

  #followed(parent: DirectoryNode, name: string, path: string): DiskNode | undefined {
    const node = parent.entries.get(name);
    if (node === undefined || !("target" in node)) return node;
    const place = this.#place(resolve(dirname(path), node.target));
    return place?.parent.entries.get(place.name);
  }

  /** Finds the directory that has the last name of a path; links on the way are followed. */
  #place(path: string, links = 0): Place | null {
    const below = relative(this.dir, path);
    if (below === "") return { parent: this.root, name: "" };
    if (below.startsWith("..") || links > MOST_LINKS) return null;
    let parent = this.root;
    let at = this.dir;
    const names = dirname(below) === "." ? [] : dirname(below).split("/");
    for (const [index, name] of names.entries()) {
      const node = parent.entries.get(name);
      if (node === undefined || node instanceof FileNode) return null;
      if ("target" in node) {
        const rest = [...names.slice(index + 1), basename(below)];
        return this.#place(join(resolve(at, node.target), ...rest), links + 1);
      }
      parent = node;
      at = join(at, name);
    }
    return { parent, name: basename(below) };
  }
}

interface Place {
  parent: DirectoryNode;
  /** Empty: the replayed directory itself. */
  name: string;
}

function readDirectory(dir: string): DirectoryNode {
  const node = new DirectoryNode(lstatSync(dir).mode & 0o777);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) node.entries.set(entry.name, readDirectory(path));
    else if (entry.isSymbolicLink()) node.entries.set(entry.name, { target: readlinkSync(path) });
    else if (entry.isFile()) node.entries.set(entry.name, new FileNode(path, lstatSync(path).mode & 0o777));
  }
  node.sync();
  return node;
}

function syncBelow(node: DiskNode): void {
  if ("target" in node) return;
  node.sync();
  if (node instanceof DirectoryNode) for (const child of node.entries.values()) syncBelow(child);
}
