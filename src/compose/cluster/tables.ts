import { DIRECTORY_TABLES } from "../../cluster/directory.js";
import { ROSTER_TABLES } from "../../cluster/roster.js";
import { SHARED_TABLES } from "../../cluster/shared/changes.js";
import { SHARED_ACTION_TABLES } from "../../cluster/shared-actions.js";
import { TAKEOVER_TABLES } from "../../cluster/takeovers.js";

/** The tables that only a node of a cluster has. */
export const NODE_TABLES = [
  ROSTER_TABLES,
  DIRECTORY_TABLES,
  TAKEOVER_TABLES,
  SHARED_TABLES,
  SHARED_ACTION_TABLES,
];
