import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A git directory that holds nothing but the refs a fetch should start from. Objects come through it
 * into the mirror's own store, and connectivity is checked against these few refs: the cost of a fetch
 * does not grow with the number of refs in the mirror. Layout: gitrepository-layout(5).
 */
export interface Scratch {
  dir: string;
  /** Objects fetched to refs/x/<index>, by index. */
  fetched(): Map<number, string>;
  remove(): void;
}

export function createScratch(repositoryDir: string, bases: string[]): Scratch {
  const dir = join(repositoryDir, `scratch-${randomBytes(8).toString("hex")}`);
  mkdirSync(join(dir, "refs", "base"), { recursive: true, mode: 0o750 });
  mkdirSync(join(dir, "objects"));
  writeFileSync(join(dir, "HEAD"), "ref: refs/heads/none\n");
  writeFileSync(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  bases.forEach((sha, index) => {
    writeFileSync(join(dir, "refs", "base", String(index)), `${sha}\n`);
  });
  return {
    dir,
    fetched() {
      const path = join(dir, "refs", "x");
      return new Map(
        readdirSync(path).map((name) => [Number(name), readFileSync(join(path, name), "utf8").trim()]),
      );
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
