import { keyOf, type Subject } from "../base/model.js";
import type { Resource, ResourceKind } from "../base/resources.js";
import type { Row, Store } from "../store/database.js";

/** Something of GitHub's that Lockstep leaves alone until a time, because GitHub asked for it. */
export interface HeldResource {
  /** Names the hold, as in `rest:installation:7`. */
  key: string;
  kind: ResourceKind;
  /** Whose calls are held. */
  owner: "everything" | "app" | "installation" | "repository";
  /** The id of the installation or repository; 0 for the others. */
  id: number;
  /** In milliseconds since 1970. */
  until: number;
}

/** What is known of a row whose run met a held resource. */
interface Holder {
  subject: Subject;
  installationId: number;
}

/** GitHub's request to wait: when it came, and until when. */
interface Wait {
  at: number;
  until: number;
}

export interface HeldResources {
  /** Holds what an answer with Retry-After concerns. @returns the hold that the row waits for */
  hold(resource: Resource, holder: Holder, wait: Wait): HeldResource;
  /** Returns the longest hold on what the next run certainly needs; null: nothing of it is held. */
  on(holder: Holder, at: number): HeldResource | null;
  list(at: number): HeldResource[];
}

/** GitHub's waits end within the hour: a primary limit resets then, and longer values are cut. */
export const LONGEST_HOLD_MS = 3_600_000;

const FORGET_EVERY_MS = 60_000;

/** So many repositories that GitHub asks to wait make their installation wait. */
const REPOSITORIES = 3;

/** Holds are on disk, so a restart does not call GitHub during a wait that it asked for. */
export function createHeldResources(store: Store, now: number): HeldResources {
  const save = store.prepare(
    `INSERT INTO held_resources (key, kind, owner, id, installation_id, until) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET until = max(until, excluded.until)`,
  );
  const prune = store.prepare("DELETE FROM held_resources WHERE until <= ? OR until > ?");
  prune.run(now, now + LONGEST_HOLD_MS); // A hold beyond the longest was stored by a clock that was ahead.
  const held = new Map(
    store
      .prepare("SELECT * FROM held_resources")
      .all()
      .map((row) => [String(row.key), read(row)]),
  );

  let forgetAt = now + FORGET_EVERY_MS;

  function put(
    kind: ResourceKind,
    owner: HeldResource["owner"],
    id: number,
    { installationId, until }: { installationId: number; until: number },
  ): HeldResource {
    const key = `${kind}:${owner}:${id}`;
    const longest = Math.max(until, held.get(key)?.until ?? 0);
    const hold = { key, kind, owner, id, installationId, until: longest };
    save.run(key, kind, owner, id, installationId, longest);
    held.set(key, hold);
    return hold;
  }

  /** Forgets what is over, now and then: each call would otherwise cost as much as there are holds. */
  function forget(at: number): void {
    if (at < forgetAt) return;
    forgetAt = at + FORGET_EVERY_MS;
    for (const { key, until } of held.values()) if (until <= at) held.delete(key);
    prune.run(at, at + LONGEST_HOLD_MS);
  }

  /** A repository's wait becomes its installation's when several repositories are asked to wait at a time. */
  function holdGit({ subject, installationId }: Holder, { until, at }: Wait): HeldResource {
    const own = put("git", "repository", subject.id, { installationId, until });
    const isAlike = (it: Held) =>
      it.kind === "git" && it.owner === "repository" && it.installationId === installationId && it.until > at;
    const alike = [...held.values()].filter(isAlike).length;
    if (installationId === 0 || alike < REPOSITORIES) return own;
    return put("git", "installation", installationId, { installationId, until });
  }

  return {
    hold(resource, holder, wait) {
      const { until } = wait;
      forget(wait.at);
      const { installationId, subject } = holder;
      if (resource.kind === "git") return holdGit(holder, wait);
      if (resource.kind !== "rest")
        return put(resource.kind, "repository", subject.id, { installationId, until });
      const { whose } = resource;
      if (typeof whose === "number")
        return put("rest", "installation", whose, { installationId: whose, until });
      return put("rest", whose, 0, { installationId: 0, until });
    },
    on(holder, at) {
      if (held.size === 0) return null;
      const found = needsOf(holder)
        .flatMap((key) => held.get(key) ?? [])
        .filter(({ until }) => until > at);
      return found.reduce<Held | null>((a, b) => (a && a.until > b.until ? a : b), null);
    },
    list(at) {
      return [...held.values()]
        .filter(({ until }) => until > at)
        .map(({ installationId: _, ...hold }) => hold);
    },
  };
}

type Held = HeldResource & { installationId: number };

const read = (row: Row): Held => ({
  key: String(row.key),
  kind: row.kind as ResourceKind,
  owner: row.owner as HeldResource["owner"],
  id: Number(row.id),
  installationId: Number(row.installation_id),
  until: Number(row.until),
});

/** A repository's run asks git, and REST only now and then; a list is read by REST alone. */
function needsOf({ subject, installationId }: Holder): string[] {
  if (subject.kind === "repository") return [`git:${keyOf(subject)}`, `git:installation:${installationId}`];
  return subject.kind === "publish" ? [] : ["rest:everything:0", `rest:${keyOf(subject)}`];
}
