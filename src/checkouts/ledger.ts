import type { Row, Store, Tables } from "../store/database.js";

export const CHECKOUT_TABLES: Tables = {
  module: "checkouts",
  steps: [
    `CREATE TABLE checkouts (
       repository_id INTEGER NOT NULL,
       slug TEXT NOT NULL,
       ref TEXT NOT NULL,
       paths TEXT NOT NULL,
       link TEXT NOT NULL,
       n INTEGER,
       tip TEXT,
       sha TEXT,
       published_at INTEGER,
       wanted TEXT,
       missing_since INTEGER,
       refusal TEXT,
       PRIMARY KEY (repository_id, slug)
     ) WITHOUT ROWID;
     CREATE TABLE trees (
       repository_id INTEGER NOT NULL,
       slug TEXT NOT NULL,
       n INTEGER NOT NULL,
       state TEXT NOT NULL,
       sha TEXT,
       paths TEXT NOT NULL,
       boot TEXT NOT NULL,
       freed_at INTEGER,
       checked_at INTEGER NOT NULL DEFAULT 0,
       PRIMARY KEY (repository_id, slug, n)
     ) WITHOUT ROWID;`,
    `ALTER TABLE checkouts RENAME COLUMN paths TO options;
     ALTER TABLE trees RENAME COLUMN paths TO options;
     ALTER TABLE trees ADD COLUMN content TEXT;
     UPDATE checkouts SET options = '{"paths":' || options || ',"submodules":"no"}';
     UPDATE trees SET options = '{"paths":' || options || ',"submodules":"no"}';`,
    `ALTER TABLE checkouts ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';`,
  ],
};

/** The reason why a commit is not published. `veto` comes from the pre-publish hook. */
export interface Refusal {
  reason: "veto" | "unsigned" | "untrusted" | "missing" | "not_a_commit";
  output: string;
  at: number;
  tip: string;
}

/** One checkout: its published tree, and the commit that should be published. */
export interface Checkout {
  id: number;
  slug: string;
  /** The full ref name; the empty slug means the default branch. */
  ref: string;
  /** The checkout's options, in the form of `writeOptions`. */
  options: string;
  /** The path of the symlink. */
  link: string;
  /** The number of the published tree; null when none is published. */
  n: number | null;
  /**
   * The object that the ref pointed at when the tree was published, and the commit that the object leads to.
   */
  tip: string | null;
  sha: string | null;
  publishedAt: number | null;
  /** The last commit that was to be published; null when the ref leads to no commit. */
  wanted: string | null;
  missingSince: number | null;
  refusal: Refusal | null;
  /** What readers of the published tree should know, such as pointers of Git LFS that cannot be read. */
  notes: string[];
}

/** A checkout of which nothing is published yet. */
export const newCheckout = (id: number, slug: string, link: string): Checkout => ({
  id,
  slug,
  ref: "",
  options: "",
  link,
  n: null,
  tip: null,
  sha: null,
  publishedAt: null,
  wanted: null,
  missingSince: null,
  refusal: null,
  notes: [],
});

/**
 * - dirty: the tree is being written, or a killed process left it; its contents are unknown.
 * - ready: the tree holds the commit `sha`.
 * - spoilt: the tree is corrupt, because someone else changed a file, and is not published again.
 * Existing databases hold the word "spoilt".
 */
export interface Tree {
  id: number;
  slug: string;
  n: number;
  state: "dirty" | "ready" | "spoilt";
  sha: string | null;
  /** The tree object that was written, if it has more files than the commit; null means the commit itself. */
  content: string | null;
  options: string;
  /** The boot id of the machine; data written under an earlier boot may not have reached the disk. */
  boot: string;
  /** When the tree was last unpublished, in milliseconds since 1970; null when it was never published. */
  freedAt: number | null;
  checkedAt: number;
}

/** Returns the object whose files the tree holds. */
export const writtenTo = ({ content, sha }: Tree): string | null => content ?? sha;

export type Ledger = ReturnType<typeof createLedger>;

/** Records which tree each checkout publishes, and which trees exist. */
export function createLedger(store: Store) {
  const sql = {
    get: store.prepare("SELECT * FROM checkouts WHERE repository_id = ? AND slug = ?"),
    of: store.prepare("SELECT * FROM checkouts WHERE repository_id = ? ORDER BY slug"),
    put: store.prepare("INSERT OR REPLACE INTO checkouts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    drop: store.prepare("DELETE FROM checkouts WHERE repository_id = ? AND slug = ?"),
    trees: store.prepare("SELECT * FROM trees WHERE repository_id = ? AND slug = ? ORDER BY n"),
    putTree: store.prepare("INSERT OR REPLACE INTO trees VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    dropTree: store.prepare("DELETE FROM trees WHERE repository_id = ? AND slug = ? AND n = ?"),
    tree: store.prepare("SELECT * FROM trees WHERE repository_id = ? AND slug = ? AND n = ?"),
    slugs: store.prepare("SELECT DISTINCT slug FROM trees WHERE repository_id = ?"),
    oldest: store.prepare("SELECT * FROM trees WHERE state = 'ready' ORDER BY checked_at LIMIT ?"),
    otherBoots: store.prepare("SELECT * FROM trees WHERE state = 'ready' AND boot <> ?"),
    count: store.prepare("SELECT count(*) AS n FROM trees WHERE state = 'ready'"),
    forget: ["checkouts", "trees"].map((table) =>
      store.prepare(`DELETE FROM ${table} WHERE repository_id = ?`),
    ),
    ids: store.prepare("SELECT repository_id AS id FROM trees UNION SELECT repository_id FROM checkouts"),
  };
  return {
    transaction: store.transaction,
    unsynced: store.unsynced,
    get: (id: number, slug: string): Checkout | null => readCheckout(sql.get.get(id, slug)),
    of: (id: number): Checkout[] => sql.of.all(id).map((row) => readCheckout(row)!),
    put(it: Checkout): void {
      const refusal = it.refusal && JSON.stringify(it.refusal);
      const wanted = [it.id, it.slug, it.ref, it.options, it.link];
      const published = [it.n, it.tip, it.sha, it.publishedAt];
      sql.put.run(...wanted, ...published, it.wanted, it.missingSince, refusal, JSON.stringify(it.notes));
    },
    drop: (id: number, slug: string) => void sql.drop.run(id, slug),
    trees: (id: number, slug: string): Tree[] => sql.trees.all(id, slug).map(readTree),
    tree(id: number, slug: string, n: number): Tree | null {
      const row = sql.tree.get(id, slug, n);
      return row ? readTree(row) : null;
    },
    slugs: (id: number): string[] => sql.slugs.all(id).map((row) => String(row.slug)),
    putTree({ id, slug, n, state, sha, options, boot, freedAt, checkedAt, content }: Tree): void {
      sql.putTree.run(id, slug, n, state, sha, options, boot, freedAt, checkedAt, content);
    },
    dropTree: ({ id, slug, n }: Tree) => void sql.dropTree.run(id, slug, n),
    /** Lists this share of all trees; the trees whose last check is oldest come first. */
    leastChecked(share: number): Tree[] {
      const all = Number(sql.count.get()?.n ?? 0);
      return sql.oldest.all(Math.ceil(all * share)).map(readTree);
    },
    /** Lists trees that were written before the last start of the machine. */
    ofOtherBoots: (boot: string): Tree[] => sql.otherBoots.all(boot).map(readTree),
    /** Lists the ids of all repositories that have trees. */
    ids: (): number[] => sql.ids.all().map((row) => Number(row.id)),
    forget: (id: number) => store.transaction(() => sql.forget.forEach((one) => void one.run(id))),
  };
}

const number = (value: unknown) => (value === null ? null : Number(value));

function readCheckout(row: Row | undefined): Checkout | null {
  if (!row) return null;
  return {
    id: Number(row.repository_id),
    slug: String(row.slug),
    ref: String(row.ref),
    options: String(row.options),
    link: String(row.link),
    n: number(row.n),
    tip: row.tip as string | null,
    sha: row.sha as string | null,
    publishedAt: number(row.published_at),
    wanted: row.wanted as string | null,
    missingSince: number(row.missing_since),
    refusal: row.refusal === null ? null : (JSON.parse(String(row.refusal)) as Refusal),
    notes: JSON.parse(String(row.notes)) as string[],
  };
}

const readTree = (row: Row): Tree => ({
  id: Number(row.repository_id),
  slug: String(row.slug),
  n: Number(row.n),
  state: row.state as Tree["state"],
  sha: row.sha as string | null,
  content: row.content as string | null,
  options: String(row.options),
  boot: String(row.boot),
  freedAt: number(row.freed_at),
  checkedAt: Number(row.checked_at),
});
