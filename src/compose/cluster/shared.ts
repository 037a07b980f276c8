import type { Audit, AuditEntry } from "../../access/audit.js";
import type { AccessTokens, StoredToken } from "../../access/tokens.js";
import type { Releasers } from "../../base/releasers.js";
import { type Change, createChanges } from "../../cluster/shared/changes.js";
import { createExchange, type Exchange } from "../../cluster/shared/exchange.js";
import type { SharedSessions } from "../../http/page/session.js";
import type { Removal } from "../../lifecycle/removal.js";
import type { Store } from "../../store/database.js";
import type { ClusterNode } from "./node.js";

interface Needs {
  node: Pick<ClusterNode, "self" | "members" | "ask" | "seal">;
  store: Store;
  tokens: AccessTokens;
  audit: Audit;
  removal: Pick<Removal, "takeConfirmation" | "onConfirmed">;
  releasers: Releasers;
}

/** Nodes ask each other this often for what they have missed, in milliseconds. */
const ROUND_MS = 5_000;
const DAY_MS = 86_400_000;
/** A node that was away for longer than this may bring back a token that was revoked meanwhile. */
const KEEP_REVOKED_MS = 400 * DAY_MS;
/** The audit has as many entries. */
const KEEP_AUDIT = 10_000;
/** A session is shorter. */
const KEEP_ENDED_MS = DAY_MS;

/** A change must fit into one answer of a node. */
const IDS_AT_MOST = 100_000;
/** A node that was away for longer holds its part until it is confirmed once more. */
const KEEP_CONFIRMED_MS = 30 * DAY_MS;

const KINDS = { token: "token", audit: "audit", session: "session", removal: "removal" } as const;

export interface Shared {
  answers: Exchange["answers"];
  sessions: SharedSessions;
}

/** Has all nodes know the tokens, which removals were confirmed, what was revoked, which sessions were ended, and who did what. */
export function openShared(needs: Needs): Shared {
  const { node, store, tokens, audit, removal, releasers } = needs;
  const { self, members, ask, seal } = node;
  const changes = createChanges(store);
  const exchange = createExchange({
    self: self.name,
    members,
    ask,
    changes,
    transaction: store.transaction,
    appliers: {
      [KINDS.token]({ key, value }) {
        const token = read<StoredToken>(value);
        tokens.put(token?.name ?? key, token);
      },
      [KINDS.audit]({ key, value }) {
        const entry = read<AuditEntry>(value);
        if (entry !== null) audit.put(key, entry);
      },
      [KINDS.session]() {},
      [KINDS.removal]({ key, value, at }) {
        const ids = read<unknown>(value);
        const repositoryIds = Array.isArray(ids) ? ids.map(Number) : [];
        // What is still held after an error is shown, and can be confirmed again.
        removal
          .takeConfirmation({ installationId: Number.parseInt(key, 10), repositoryIds, at })
          .catch(() => {});
      },
    },
  });
  const put = (kind: string, key: string, value: unknown) => {
    changes.put(kind, key, value);
    exchange.send();
  };

  shareWhatIsHere(changes, { store, tokens, audit, nodeId: self.id });
  tokens.onChanged((name, token) => put(KINDS.token, name.toLowerCase(), token));
  // Each node confirms what it holds, so each one's word has a key of its own.
  removal.onConfirmed((installationId, ids) =>
    put(KINDS.removal, `${installationId} ${self.name}`, ids.slice(0, IDS_AT_MOST)),
  );
  audit.onWritten((entry) => put(KINDS.audit, `${self.id} ${entry.id}`, entry));
  const timer = setInterval(() => {
    void exchange.round();
    const now = Date.now();
    changes.forget(KINDS.token, now - KEEP_REVOKED_MS, "deleted");
    changes.forget(KINDS.session, now - KEEP_ENDED_MS, "all");
    changes.forget(KINDS.removal, now - KEEP_CONFIRMED_MS, "all");
    changes.keepNewest(KINDS.audit, KEEP_AUDIT);
  }, ROUND_MS);
  releasers.add("what nodes share", () => clearInterval(timer));
  return {
    answers: exchange.answers,
    sessions: {
      salt: seal.keyFor("sessions"),
      clock: Date.now,
      isEnded: (id) => changes.get(KINDS.session, id) !== null,
      end: (id, endsAt) => put(KINDS.session, id, endsAt),
    },
  };
}

const read = <T>(value: string | null): T | null => (value === null ? null : (JSON.parse(value) as T));

interface Here extends Pick<Needs, "store" | "tokens" | "audit"> {
  nodeId: string;
}

/** A Lockstep that becomes a node brings what it has. */
function shareWhatIsHere(
  changes: ReturnType<typeof createChanges>,
  { store, tokens, audit, nodeId }: Here,
): void {
  store.transaction(() => {
    const some: Change[] = [];
    for (const token of tokens.stored())
      some.push(changeOf(KINDS.token, token.name.toLowerCase(), token.createdAt, token));
    if (changes.newest() === 0)
      for (const entry of audit.own())
        some.push(changeOf(KINDS.audit, `${nodeId} ${entry.id}`, entry.at, entry));
    changes.take(some.filter(({ kind, key }) => changes.get(kind, key) === null));
  });
}

const changeOf = (kind: string, key: string, at: number, value: unknown): Change => ({
  kind,
  key,
  at,
  value: JSON.stringify(value),
});
