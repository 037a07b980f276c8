import type { Tables } from "../store/database.js";

/** The worst first: what fails, then what is late or not there yet, then what is in step, then what is gone. */
export const RANK = `CASE WHEN paused_at IS NOT NULL AND state NOT IN ('gone', 'retired') THEN 5
  WHEN state = 'failing' OR (state = 'onboarding' AND error_code IS NOT NULL) THEN 0
  WHEN state = 'incomplete' THEN 1 WHEN state = 'behind' THEN 2 WHEN state = 'suspended' THEN 3
  WHEN state = 'onboarding' THEN 4 WHEN state = 'fresh' THEN 6 WHEN state = 'gone' THEN 7 ELSE 8 END`;

export const REGISTRY_TABLES: Tables = {
  module: "registry",
  steps: [
    `CREATE TABLE repositories (
       id INTEGER PRIMARY KEY,
       installation_id INTEGER NOT NULL,
       owner TEXT NOT NULL COLLATE NOCASE,
       name TEXT NOT NULL COLLATE NOCASE,
       default_branch TEXT NOT NULL DEFAULT 'main',
       state TEXT NOT NULL DEFAULT 'onboarding',
       added_at INTEGER NOT NULL,
       pushed_at INTEGER NOT NULL DEFAULT 0,
       told_at INTEGER NOT NULL DEFAULT 0,
       confirmed_at INTEGER NOT NULL DEFAULT 0,
       settled_pushed_at INTEGER NOT NULL DEFAULT -1,
       compared_at INTEGER NOT NULL DEFAULT 0,
       full_at INTEGER,
       refreshed_at INTEGER,
       lag_ms INTEGER,
       error_code TEXT, error_message TEXT, error_hint TEXT, error_at INTEGER, error_attempt INTEGER
     );
     CREATE INDEX repositories_name ON repositories (owner, name);
     CREATE TABLE ref_knowledge (
       repository_id INTEGER NOT NULL,
       ref TEXT NOT NULL,
       pushed_at INTEGER NOT NULL,
       moved_at INTEGER NOT NULL DEFAULT 0,
       moved_from TEXT,
       PRIMARY KEY (repository_id, ref)
     ) WITHOUT ROWID;`,
    `ALTER TABLE repositories ADD COLUMN gone_at INTEGER;
     ALTER TABLE repositories ADD COLUMN paused_at INTEGER;
     ALTER TABLE repositories ADD COLUMN recheck INTEGER NOT NULL DEFAULT 0;
     UPDATE repositories SET gone_at = unixepoch() * 1000 WHERE state = 'gone';
     CREATE INDEX repositories_installation ON repositories (installation_id, gone_at);`,
    "ALTER TABLE repositories ADD COLUMN excluded INTEGER NOT NULL DEFAULT 0",
    // A failure once made gone repositories managed again without clearing the time of their removal; the
    // next removal would have kept that time.
    "UPDATE repositories SET gone_at = NULL WHERE state NOT IN ('gone', 'retired')",
    `ALTER TABLE repositories ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
     UPDATE repositories SET doubted = 1 WHERE confirmed_at = 0`,
    "ALTER TABLE repositories ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0",
    // What monitors ask for is counted from this index, without reading the rows of ten thousand repositories.
    `CREATE INDEX repositories_ages ON repositories
       (state, paused_at, full_at, added_at, pushed_at, settled_pushed_at, asked_at, error_attempt)`,
    // The page's list begins with the worst, without sorting ten thousand rows for each look.
    `CREATE INDEX repositories_rank ON repositories (${RANK}, owner, name, id)`,
    `ALTER TABLE repositories ADD COLUMN visibility TEXT;
     ALTER TABLE repositories ADD COLUMN archived INTEGER;`,
  ],
};
