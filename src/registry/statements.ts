import { MAX_CLOCK_SKEW_S } from "../base/github-facts.js";
import { WIKI_IDS_FROM } from "../base/wikis.js";
import type { Store } from "../store/database.js";

/**
 * Computes the state as `shownState` of views/operator.ts does. @param running a further WHEN, for what hides
 * a stored state but no pause
 */
export const shownStateSql = (running = ""): string => `CASE
    WHEN state IN ('gone', 'retired', 'suspended') THEN state
    WHEN paused_at IS NOT NULL THEN 'paused'
    ${running}
    ELSE state END`;

/** Prepares all SQL of the registry except its lists. */
export function prepareStatements(store: Store) {
  return {
    get: store.prepare("SELECT * FROM repositories WHERE id = ?"),
    identity: store.prepare("SELECT owner, name, installation_id, state FROM repositories WHERE id = ?"),
    names: store.prepare(
      "SELECT id, owner, name FROM repositories WHERE id IN (SELECT value FROM json_each(?))",
    ),
    managedAmong: store.prepare(
      "SELECT id FROM repositories WHERE id IN (SELECT value FROM json_each(?)) AND state NOT IN ('gone', 'retired')",
    ),
    // A name may have passed to another repository: the repository confirmed last has the name.
    find: store.prepare(
      "SELECT * FROM repositories WHERE owner = ? AND name = ? ORDER BY state IN ('gone', 'retired'), confirmed_at DESC LIMIT 1",
    ),
    all: store.prepare("SELECT * FROM repositories ORDER BY owner, name"),
    idsOf: store.prepare("SELECT id FROM repositories WHERE installation_id = ?"),
    ids: store.prepare("SELECT id FROM repositories ORDER BY id"),
    note: store.prepare(
      "INSERT INTO repositories (id, installation_id, owner, name, added_at, doubted) VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING",
    ),
    doubt: store.prepare("UPDATE repositories SET doubted = 1 WHERE id = ?"),
    confirm: store.prepare(
      `INSERT INTO repositories (id, installation_id, owner, name, default_branch, pushed_at, visibility, archived, told_at, asked_at,
       confirmed_at, added_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET installation_id = excluded.installation_id, owner = excluded.owner,
       name = excluded.name, default_branch = excluded.default_branch, pushed_at = excluded.pushed_at,
       visibility = coalesce(excluded.visibility, visibility), archived = coalesce(excluded.archived, archived),
       told_at = excluded.told_at, asked_at = excluded.asked_at, confirmed_at = excluded.confirmed_at, doubted = 0,
       recheck = CASE WHEN compared_at > excluded.told_at + ${MAX_CLOCK_SKEW_S} THEN 1 ELSE recheck END,
       compared_at = CASE WHEN compared_at > excluded.told_at + ${MAX_CLOCK_SKEW_S} THEN excluded.told_at ELSE compared_at END,
       settled_pushed_at = CASE WHEN settled_pushed_at > excluded.told_at + ${MAX_CLOCK_SKEW_S} THEN -1 ELSE settled_pushed_at END`,
    ),
    state: store.prepare(
      `UPDATE repositories SET state = ?1, gone_at = CASE WHEN ?1 = 'retired' THEN gone_at END WHERE id = ?2`,
    ),
    moveTo: store.prepare("UPDATE repositories SET installation_id = ? WHERE id = ?"),
    markGone: store.prepare(
      `UPDATE repositories SET gone_at = CASE state WHEN 'gone' THEN gone_at ELSE ? END, state = 'gone', excluded = ?
       WHERE id = ? AND state <> 'retired'`,
    ),
    forget: store.prepare("DELETE FROM repositories WHERE id = ?"),
    pause: store.prepare("UPDATE repositories SET paused_at = ? WHERE id = ?"),
    recheckAll: store.prepare("UPDATE repositories SET recheck = 1"),
    doubtAll: store.prepare(
      "UPDATE repositories SET recheck = 1, doubted = 1, state = CASE WHEN state IN ('fresh', 'incomplete') THEN 'behind' ELSE state END",
    ),
    count: store.prepare(
      `SELECT count(*) FILTER (WHERE state NOT IN ('gone', 'retired')) AS managed,
       count(*) FILTER (WHERE gone_at > ? AND excluded = 0 AND added_at < gone_at - 3600000) AS left_since FROM repositories
       WHERE id < ${WIKI_IDS_FROM} AND (? IS NULL OR installation_id = ?)`,
    ),
    counted: store.prepare(
      `SELECT id, ${shownStateSql()} AS shown, state <> 'onboarding' AS cloned,
       state NOT IN ('gone', 'retired', 'suspended') AND paused_at IS NULL AS managed FROM repositories`,
    ),
    goneBefore: store.prepare(
      "SELECT * FROM repositories WHERE state = 'gone' AND paused_at IS NULL AND gone_at <= ? ORDER BY gone_at",
    ),
    goneSince: store.prepare(
      "SELECT id FROM repositories WHERE installation_id = ? AND state = 'gone' AND excluded = 0 AND gone_at > ?",
    ),
    retiredBefore: store.prepare(
      "SELECT id FROM repositories WHERE state = 'retired' AND gone_at <= ? ORDER BY gone_at LIMIT ?",
    ),
    forgetRetired: store.prepare("DELETE FROM repositories WHERE id = ? AND state = 'retired'"),
    refreshed: store.prepare(
      `UPDATE repositories SET state = ?, gone_at = NULL, refreshed_at = ?, lag_ms = coalesce(?, lag_ms), error_code = NULL,
       error_message = NULL, error_hint = NULL, error_at = NULL, error_attempt = NULL WHERE id = ?`,
    ),
    compared: store.prepare(
      `UPDATE repositories SET compared_at = ?1, settled_pushed_at = max(settled_pushed_at, ?2),
       full_at = coalesce(?3, full_at), recheck = 0
       WHERE id = ?4 AND (compared_at <= ?1 OR compared_at > ?1 + ${MAX_CLOCK_SKEW_S})`,
    ),
    failed: store.prepare(
      `UPDATE repositories SET state = CASE state WHEN 'onboarding' THEN state ELSE 'failing' END, error_code = ?,
       error_message = ?, error_hint = ?, error_at = ?, error_attempt = ?
       WHERE id = ? AND state NOT IN ('gone', 'retired', 'suspended')`,
    ),
    explained: store.prepare(
      `UPDATE repositories SET error_code = ?, error_message = ?, error_hint = ?, error_at = ?, error_attempt = ?
       WHERE id = ?`,
    ),
    ref: store.prepare(
      "SELECT pushed_at, moved_at, moved_from FROM ref_knowledge WHERE repository_id = ? AND ref = ?",
    ),
    refs: store.prepare("SELECT * FROM ref_knowledge WHERE repository_id = ?"),
    forgetRefs: store.prepare(
      `DELETE FROM ref_knowledge WHERE repository_id = ?1 AND (moved_at < ?3 OR moved_at > ?4)
       AND (pushed_at <= ?2 OR pushed_at > ?2 + ${MAX_CLOCK_SKEW_S})`,
    ),
    learnRef: store.prepare(
      `INSERT OR REPLACE INTO ref_knowledge (repository_id, ref, pushed_at, moved_at, moved_from)
       VALUES (?, ?, ?, ?, ?)`,
    ),
  };
}
