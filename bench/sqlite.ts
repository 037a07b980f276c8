import { createRequire } from "node:module";
import { join } from "node:path";
import { REGISTRY_TABLES } from "../src/registry/tables.js";
import { Releasers } from "../tools/releasers.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:sqlite

What SQLite costs through libsql, and through node:sqlite where this Node.js has it: processor time of each call, on the
registry's own table with 10,000 repositories. docs/adr/0048-libsql-stays.md has the figures.`;

interface Statement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}

interface Driver {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): unknown;
}

interface Figures {
  driver: string;
  sqlite: string;
  [work: string]: string | number;
}

const ROWS = 10_000;
const REPEATS = 5;
const require = createRequire(import.meta.url);

function driversOf(): [name: string, open: (file: string) => Driver][] {
  const Libsql = require("libsql") as new (file: string) => Driver;
  const found: [string, (file: string) => Driver][] = [["libsql", (file) => new Libsql(file)]];
  try {
    const { DatabaseSync } = require("node:sqlite") as { DatabaseSync: new (file: string) => Driver };
    found.push(["node:sqlite", (file) => new DatabaseSync(file)]);
  } catch {
    // Node.js has it from 22.5 on.
  }
  return found;
}

/** Returns microseconds of processor time for each of `count` calls: the least of some repeats. */
function cost(count: number, act: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const before = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / count);
  }
  return Math.round(least * 10) / 10;
}

function measure(name: string, db: Driver): Figures {
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  for (const step of REGISTRY_TABLES.steps) db.exec(step);
  const put = db.prepare(
    `INSERT INTO repositories (id, installation_id, owner, name, added_at) VALUES (?, 1, 'acme', ?, 1)
     ON CONFLICT (id) DO UPDATE SET pushed_at = pushed_at + 1`,
  );
  const get = db.prepare("SELECT * FROM repositories WHERE id = ?");
  const all = db.prepare("SELECT * FROM repositories ORDER BY owner, name");
  const each = (count: number, act: (id: number) => void) => {
    for (let id = 1; id <= count; id++) act(id);
  };
  const putAll = () => {
    db.exec("BEGIN IMMEDIATE");
    each(ROWS, (id) => put.run(id, `app-${id}`));
    db.exec("COMMIT");
  };
  putAll();
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  return {
    driver: name,
    sqlite: version,
    "upsert in a transaction": cost(ROWS, putAll),
    "durable write": cost(500, () => each(500, (id) => put.run(id, ""))),
    "row by its id": cost(ROWS, () => each(ROWS, (id) => get.get(id))),
    "row of a list of 10,000": cost(ROWS, () => all.all()),
  };
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: {},
  async measure(_, report) {
    const dir = await workDir(releasers);
    const figures = driversOf().map(([name, open], n) => {
      const db = open(join(dir, `${n}.db`));
      try {
        return measure(name, db);
      } finally {
        db.close();
      }
    });
    report.text(`Node.js ${process.version}; microseconds of processor time`);
    const works = Object.keys(figures[0]!);
    report.table(works.map((work) => [work, ...figures.map((one) => String(one[work]))]));
    return { node: process.version, figures };
  },
});
