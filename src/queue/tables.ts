import type { Tables } from "../store/database.js";

/**
 * The columns of `dirty`, beside what came in (hints, full_generation, generation, delivery_id):
 * - class, priority, tag: the order in which ready rows start.
 * - state: `ready` may start, `waiting` becomes ready at due_at, `running` has a run.
 * - armed_at: when the oldest trigger came in that no run has taken, by the machine's clock; null: none.
 * - due_at: when the row may start, by the steady clock; null: it runs, and nothing has come in since.
 * - quiet_until: the longest that QUIET_PERIOD delays the row.
 * - running_since, begun: when the run began, and how many runs began since one last ended.
 * - attempts: how often the row failed, by error code; retry_at and retry_for: the end of the last wait, and
 *   the code that it was for.
 * - is_slow: a short run of the row was put back.
 * - unlisted: the newest of the pushes whose refs were too many to keep, as JSON.
 * - is_behind: the row only waits for a replica of GitHub's that lags for long.
 * - held_by: the key of the hold that the row waits for. met: the server that did not answer the row's run, or `disk`.
 */
const REQUESTS = `
  CREATE TABLE dirty (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    installation_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    hints TEXT NOT NULL,
    full_generation INTEGER NOT NULL,
    delivery_id TEXT,
    class TEXT NOT NULL,
    priority INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    state TEXT NOT NULL,
    armed_at INTEGER,
    due_at INTEGER,
    quiet_until INTEGER,
    running_since INTEGER,
    begun INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    retry_at INTEGER,
    retry_for TEXT,
    is_slow INTEGER NOT NULL,
    held_by TEXT,
    met TEXT
  );
  CREATE INDEX dirty_order ON dirty (class, priority, tag) WHERE state = 'ready';
  CREATE INDEX dirty_longest_due ON dirty (class, due_at) WHERE state = 'ready';
  CREATE INDEX dirty_turns ON dirty (class, priority, installation_id, tag) WHERE state = 'ready';
  CREATE INDEX dirty_due ON dirty (due_at) WHERE state = 'waiting';
  CREATE INDEX dirty_met ON dirty (met, class, priority, due_at) WHERE state = 'waiting' AND met IS NOT NULL;
  CREATE INDEX dirty_running ON dirty (running_since) WHERE state = 'running';
  CREATE INDEX dirty_armed ON dirty (armed_at) WHERE armed_at IS NOT NULL;
  CREATE TABLE held_resources (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    id INTEGER NOT NULL,
    installation_id INTEGER NOT NULL,
    until INTEGER NOT NULL
  );`;

export const QUEUE_TABLES: Tables = {
  module: "queue",
  steps: [
    `CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
     INSERT INTO counter VALUES ('generation', 0);
     CREATE TABLE dirty (
       key TEXT PRIMARY KEY,
       kind TEXT NOT NULL,
       id INTEGER NOT NULL,
       installation_id INTEGER NOT NULL DEFAULT 0,
       generation INTEGER NOT NULL,
       priority INTEGER NOT NULL,
       hints TEXT NOT NULL DEFAULT '[]',
       full_generation INTEGER NOT NULL DEFAULT 0,
       attempt INTEGER NOT NULL DEFAULT 0,
       armed_at INTEGER NOT NULL,
       due_at INTEGER NOT NULL,
       held_until INTEGER NOT NULL DEFAULT 0,
       delivery_id TEXT
     );
     CREATE INDEX dirty_due ON dirty (due_at);`,
    // The tries of before are kept under a name that is no code. Whose wait GitHub asked for was not stored:
    // the wait now holds the row's own git, or its own list.
    `DROP INDEX dirty_due;
     ALTER TABLE dirty RENAME TO dirty_before;
     ${REQUESTS}
     INSERT INTO dirty
       SELECT key, kind, id, installation_id, generation, hints, full_generation, delivery_id,
         CASE kind WHEN 'repository' THEN 'short' ELSE 'list' END, priority, 0, 'waiting',
         nullif(armed_at, 0), due_at, NULL, NULL, 0,
         CASE attempt WHEN 0 THEN '{}' ELSE json_object('before', attempt) END, NULL, NULL, 0,
         CASE WHEN held_until > 0 THEN iif(kind = 'repository', 'git:', 'rest:') || key END, NULL
       FROM dirty_before;
     INSERT INTO held_resources
       SELECT iif(kind = 'repository', 'git:', 'rest:') || key, iif(kind = 'repository', 'git', 'rest'),
         kind, id, installation_id, held_until
       FROM dirty_before WHERE held_until > 0;
     DROP TABLE dirty_before;`,
    `ALTER TABLE dirty ADD COLUMN unlisted TEXT;
     ALTER TABLE dirty ADD COLUMN is_behind INTEGER NOT NULL DEFAULT 0;`,
  ],
};
