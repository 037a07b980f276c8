import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DirectoryNode, type DiskNode } from "./disk.js";
import { FileNode, type Unsynced } from "./file.js";

/** What a disk can have after a power cut: "lost" also loses the names whose directory was not synced. */
export const STATES: Unsynced[] = ["present", "half", "empty", "lost"];

/** Writes what a power cut leaves into a directory, which must exist. */
export function buildDirectory(node: DirectoryNode, dir: string, unsynced: Unsynced): void {
  const names = unsynced === "lost" ? node.synced : node.entries;
  for (const [name, child] of names) build(child, join(dir, name), unsynced);
  chmodSync(dir, node.mode | 0o700);
}

function build(node: DiskNode, path: string, unsynced: Unsynced): void {
  if (node instanceof DirectoryNode) {
    // The file system of its own has its lost+found.
    mkdirSync(path, { recursive: true });
    buildDirectory(node, path, unsynced);
  } else if (node instanceof FileNode) buildFile(node, path, unsynced);
  else symlinkSync(node.target, path);
}

/** Lockstep and git read a file's time as well. */
function buildFile(node: FileNode, path: string, unsynced: Unsynced): void {
  if (node.isUnchanged) {
    const { atime, mtime } = statSync(node.source!);
    copyFileSync(node.source!, path);
    utimesSync(path, atime, mtime);
  } else writeFileSync(path, node.content(unsynced));
  chmodSync(path, node.mode);
}
