import type { Store } from "./database.js";

/** Deletes at most `limit` rows about one repository. @returns how many were deleted */
export type ForgetSome = (repositoryId: number, limit: number) => number;

/**
 * Deletes what any table has about a repository, except the row in `repositories` itself. The tables are those
 * that have a column `repository_id`, so that a new table cannot be left out.
 * @param except tables whose rows go by their age
 */
export function createForgetting(store: Store, except: readonly string[]): ForgetSome {
  const tables = store.prepare(
    `SELECT name FROM sqlite_schema AS t WHERE type = 'table'
     AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'repository_id')`,
  );
  const keys = store.prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk");
  const names = tables
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !except.includes(name));
  const deletions = names.map((table) => {
    const key = keys
      .all(table)
      .map(({ name }) => String(name))
      .join(", ");
    return store.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE repository_id = ? LIMIT ?)`,
    );
  });
  return (repositoryId, limit) =>
    store.transaction(() => {
      let deleted = 0;
      for (const deletion of deletions) {
        if (deleted === limit) break;
        deleted += deletion.run(repositoryId, limit - deleted).changes;
      }
      return deleted;
    });
}
