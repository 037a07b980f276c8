import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { published } from "../support/published.js";
import { untilState } from "../support/state.js";
import { gitmodules, library } from "../support/submodules.js";

const BYTES = Buffer.from([0, 1, 10, 255, 10]);
const TEXT = "a,b\n$Id$\r\n1,2\n";
const LFS = "filter=lfs diff=lfs merge=lfs";

async function withLfs(env: Record<string, string> = {}) {
  const CHECKOUTS = "acme/app?lfs=yes";
  const setup = await published({ CHECKOUTS, REPOSITORIES: "acme/app", CHECKOUT_GRACE: "0s", ...env });
  const bytes = (path: string) => readFileSync(join(setup.link(), path), "latin1");
  const base = join(setup.world.dataDir, "repos", String(setup.repo.id), "trees", "@");
  /** Whether a check finds every tree correct, and the published tree stays. */
  const expectSound = async () => {
    const { world, link } = setup;
    const [tree, since] = [realpathSync(link()), Date.now()];
    const isChecked = () => checkedAt(world.dataDir).every((at) => at > since);
    await untilState(world, "acme/app", isChecked, () => world.sweep());
    expect(world.log.filter(({ level, event }) => level === "warn" && /tree/.test(event))).toEqual([]);
    expect(realpathSync(link())).toBe(tree);
  };
  return { ...setup, bytes, base, expectSound, lfs: setup.standin.lfs };
}

function checkedAt(dataDir: string): number[] {
  const db = new Database(join(dataDir, "lockstep.db"), { readonly: true });
  try {
    const rows = db.prepare("SELECT checked_at AS at FROM trees WHERE state = 'ready'").all();
    return (rows as { at: number }[]).map(({ at }) => at);
  } finally {
    db.close();
  }
}

test.each([
  ["eol", "* text eol=crlf"],
  ["text=auto", "* text=auto eol=crlf"],
  ["text alone, and CRLF in the file", "* text"],
  ["crlf of old", "* crlf eol=crlf"],
  ["ident", "* ident"],
  ["working-tree-encoding", "* text working-tree-encoding=UTF-16LE-BOM"],
])("a file of LFS has LFS's bytes, whatever its other attributes are: %s", async (_, rule) => {
  const { link, push, bytes, expectSound, lfs } = await withLfs();
  await push({
    ".gitattributes": `${rule}\n*.bin ${LFS}\n*.csv ${LFS}\n.gitattributes -text !working-tree-encoding\n`,
    "a.bin": lfs.put(BYTES),
    "d/a.csv": lfs.put(TEXT),
    "d/plain.csv": "no pointer\n",
  });
  expect(readFileSync(join(link(), "a.bin"))).toEqual(BYTES);
  expect(bytes("d/a.csv")).toBe(TEXT);
  if (rule.includes("eol=crlf")) expect(bytes("d/plain.csv")).toBe("no pointer\r\n");
  await expectSound();
  await push({ "d/b.csv": lfs.put("b\n"), "a.bin": lfs.put("other\n") });
  expect(bytes("d/b.csv")).toBe("b\n");
  expect(bytes("a.bin")).toBe("other\n");
  await expectSound();
});

test("a file that leaves LFS is converted again although its bytes stay, and the other way round", async () => {
  const { push, bytes, expectSound, lfs } = await withLfs();
  await push({ ".gitattributes": `* text eol=crlf\n*.csv ${LFS}\n`, "a.csv": lfs.put(TEXT), b: "1\n" });
  for (const n of [1, 2]) {
    await push({ "a.csv": TEXT });
    expect(bytes("a.csv")).toBe(TEXT.replace(/\r?\n/g, "\r\n"));
    await expectSound();
    await push({ "a.csv": lfs.put(TEXT), b: `${n}\n` });
    expect(bytes("a.csv")).toBe(TEXT);
    await expectSound();
  }
});

test("names that look like patterns, and thousands of files", async () => {
  const { push, bytes, expectSound, lfs } = await withLfs();
  const odd = [
    "*.csv",
    "[a].csv",
    "b\\?c.csv",
    'q".csv',
    " x .csv",
    "!n.csv",
    "#h.csv",
    "caf\u00e9/\u00e9*.csv",
  ];
  const many = Array.from({ length: 3000 }, (_, n) => `many/${n}.csv`);
  const pointer = lfs.put(TEXT);
  const plain = { "a.csv": "1\n", "bxc.csv": "1\n", "caf\u00e9/\u00e9x.csv": "1\n" };
  await push({
    ".gitattributes": `* text eol=crlf\n*.csv ${LFS}\n`,
    ...plain,
    ...Object.fromEntries([...odd, ...many].map((path) => [path, pointer])),
  });
  for (const path of [...odd, many[0]!, many.at(-1)!]) expect(bytes(path)).toBe(TEXT);
  for (const path of Object.keys(plain)) expect(bytes(path)).toBe("1\r\n");
  await expectSound();
});

test("a submodule uses the outer repository's attributes too", async () => {
  const { standin, push, bytes, expectSound, lfs } = await withLfs({
    CHECKOUTS: "acme/app?submodules=recursive&lfs=yes",
  });
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({
    ".gitattributes": `*.csv ${LFS}\n`,
    'd/"1" *.csv': lfs.put(TEXT),
    t: "1\n",
  });
  await push({
    ".gitattributes": "* text eol=crlf\n.git* -text\n",
    ".gitmodules": gitmodules({ "libs/[lib] \u00e9": "../lib" }),
    "libs/[lib] \u00e9": { gitlink: commit },
  });
  expect(bytes('libs/[lib] \u00e9/d/"1" *.csv')).toBe(TEXT);
  expect(bytes("libs/[lib] \u00e9/t")).toBe("1\r\n");
  await expectSound();
});

test("a tree that was published before files were exempt is rebuilt", async () => {
  const { world, repo, push, bytes, base, lfs } = await withLfs();
  await push({ ".gitattributes": `* text eol=crlf\n*.csv ${LFS}\n`, "a.csv": lfs.put("1\n") });
  await world.stop();
  const store = join(base, "content.git");
  const db = new Database(join(world.dataDir, "lockstep.db"));
  const trees = db.prepare("SELECT n, content FROM trees WHERE n IN (SELECT n FROM checkouts)").all() as {
    n: number;
    content: string;
  }[];
  for (const { n, content } of trees) {
    const tree = plainGit(store, "rev-parse", `${content}^{tree}`);
    db.prepare("UPDATE trees SET content = ? WHERE n = ?").run(tree, n);
    writeFileSync(join(store, "refs/content", String(n)), `${tree}\n`);
    writeFileSync(join(base, String(n), "a.csv"), "1\r\n");
  }
  for (const table of ["checkouts", "trees"])
    db.exec(`UPDATE ${table} SET options = replace(options, ',"converted":false', '')`);
  db.close();
  const inventory = JSON.parse(readFileSync(join(store, "lfs.json"), "utf8")) as Record<string, unknown>;
  const text = JSON.stringify({ ...inventory, version: undefined }).replace(/,"isConverted":\w+/g, "");
  writeFileSync(join(store, "lfs.json"), text);
  await world.start(repo);
  await untilState(
    world,
    "acme/app",
    () => bytes("a.csv") === "1\n",
    () => world.sweep(),
  );
  expect(lfs.downloads.length).toBe(1);
});

test("a lost content store is restored, including the exempt files", async () => {
  const { push, bytes, base, lfs } = await withLfs();
  await push({ ".gitattributes": `* text eol=crlf\n*.csv ${LFS}\n`, "a.csv": lfs.put("1\n") });
  rmSync(join(base, "content.git"), { recursive: true });
  await push({ b: "1\n" });
  expect(existsSync(join(base, "content.git"))).toBe(true);
  expect(bytes("a.csv")).toBe("1\n");
});
