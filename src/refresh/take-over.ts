import type { Outbox } from "../announce/outbox.js";
import { asRefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type RefChange, type ScopeOf, ZERO } from "../base/model.js";
import { fullNameOrId } from "../base/names.js";
import type { Judge } from "../git/mirror/carry.js";
import { KEEP_NOTHING, type KeptTip } from "../git/mirror/kept.js";
import type { Mirrors, RunContext } from "../git/mirror/mirrors.js";
import { compareTips } from "../git/mirror/refs.js";
import type { Lease } from "../git/transport/lease.js";
import type { Registry } from "../registry/repositories.js";
import type { Pass } from "./bring.js";
import type { Hold, Holds } from "./holds.js";

/** Another node that keeps a repository in step. */
export interface FormerOwner {
  /** The node's name. */
  node: string;
  pausedAt: number | null;
  /** Whether the node's mirror has the whole history with all contents, so that it can be cloned. */
  isWhole: boolean;
  /** Whether this part of the node's state was not taken over from it before. */
  isNew(part: "pause" | "holds" | "kept"): boolean;
  /** Gives git access to the node's mirror. */
  openLease(): Lease;
  holds(): AsyncIterable<Hold[]>;
  keptTips(): AsyncIterable<KeptTip[]>;
  /** Notes that all of it was taken over. */
  taken(): void;
}

export interface FormerOwners {
  /** @param node the only one that is asked; null: whichever has the mirror @returns null: no node has it */
  find(id: number, node: string | null): Promise<FormerOwner | null>;
  /** Forgets what was taken over before, because the mirror is made again. */
  forget(id: number): void;
  /** Whether the mirror that is here was set aside, since when others may have held or kept something. */
  isOutdated(id: number): boolean;
  /** Notes that the mirror is not outdated any more. */
  resume(id: number): void;
}

export interface TakeOverPorts {
  mirrors: Mirrors;
  registry: Pick<Registry, "get" | "managed" | "pause" | "setState">;
  holds: Pick<Holds, "begin" | "allow">;
  outbox: Pick<Outbox, "intendClone" | "cloned">;
  scopeOf: ScopeOf;
  formerOwners: FormerOwners;
  transaction<T>(fn: () => T): T;
  log: Pick<Log, "info" | "warn">;
}

/** Takes repositories over from the nodes that had them before. Nothing of it proves anything about GitHub. */
export interface TakeOver {
  /** Whether the mirror that is here is one that was set aside: others may have let refs move that it would hold. */
  isOutdated(id: number): boolean;
  /**
   * Clones another node's mirror, with its state. @param how `isFirst`: no mirror is here
   * @returns how the refs change; null: no node has given its mirror
   */
  mirror(pass: Pass, how: { isFirst: boolean }): Promise<RefChange[] | null>;
  /** Takes over what a node has that keeps the repository. The caller is the mirror's writer. @throws RefreshError */
  state(id: number, node: string, run: RunContext): Promise<void>;
}

/** The mirror of another node is taken as it is; the comparison with GitHub judges. */
const TAKE_ALL: Judge = {
  differences: compareTips,
  judge: async (changes) => ({ changes, keep: KEEP_NOTHING, record: async () => {} }),
};

/** The other node is told of so many commits at most that are here. */
const MAX_BASES = 200;

export function createTakeOver(ports: TakeOverPorts): TakeOver {
  return {
    isOutdated: ports.formerOwners.isOutdated,
    async mirror(pass, how) {
      const { id } = pass.repository;
      const wasOutdated = ports.formerOwners.isOutdated(id);
      const changes = await takeMirror(ports, pass, how);
      // A run that was put back, to wait for its turn, tries once more. After a failure GitHub is compared with.
      // What was set aside meanwhile stays so: this run knows nothing of what its owners do from now on.
      if (wasOutdated && ports.registry.managed(id)) ports.formerOwners.resume(id);
      return changes;
    },
    async state(id, node, run) {
      const former = await ports.formerOwners.find(id, node);
      if (former) await takeState(ports, id, former, run);
    },
  };
}

async function takeMirror(
  ports: TakeOverPorts,
  pass: Pass,
  { isFirst }: { isFirst: boolean },
): Promise<RefChange[] | null> {
  const { formerOwners, scopeOf } = ports;
  const { repository, run } = pass;
  const { id } = repository;
  const { depth, filter } = scopeOf(id);
  // A part of a history, or of its contents, is cut by GitHub.
  const isPart = depth !== null || filter !== null;
  formerOwners.forget(id);
  const former = await pass.lend(() => formerOwners.find(id, null));
  if (former === null || !(isPart || former.isWhole)) return null;
  const clone = (lease: Lease) => cloneFrom(ports, pass, { lease, isFirst });
  const changes = isPart ? await clone(pass.lease) : await cloneMirror(ports, pass, former, clone);
  if (changes === null) return null;
  await ports.mirrors.ensure(id);
  await takeState(ports, id, former, run).catch((error) => tellFailed(ports, id, former, error));
  run.signal.throwIfAborted();
  ports.log.info(
    { event: "mirror_taken_over", repository: fullNameOrId(repository, id), node: former.node },
    isPart
      ? "what a node held and kept came from it, and the mirror from GitHub"
      : "the mirror came from a node that had it before",
  );
  return changes;
}

async function cloneFrom(
  { mirrors, outbox }: TakeOverPorts,
  { repository: { id, defaultBranch }, trigger, run }: Pass,
  { lease, isFirst }: { lease: Lease; isFirst: boolean },
): Promise<RefChange[]> {
  outbox.intendClone(id, trigger);
  const { changes } = await mirrors.clone(id, lease, defaultBranch, run, TAKE_ALL);
  outbox.cloned(id, changes, isFirst);
  return changes;
}

/** @returns null: the node has not given its mirror */
async function cloneMirror(
  ports: TakeOverPorts,
  { repository, run }: Pass,
  former: FormerOwner,
  clone: (lease: Lease) => Promise<RefChange[]>,
): Promise<RefChange[] | null> {
  const lease = former.openLease();
  try {
    return await clone(lease);
  } catch (error) {
    if (run.signal.aborted) throw error;
    tellFailed(ports, repository.id, former, error);
    return null;
  } finally {
    lease.close();
  }
}

function tellFailed(
  { registry, log }: TakeOverPorts,
  id: number,
  { node }: FormerOwner,
  error: unknown,
): void {
  const { code, message } = asRefreshError(error);
  // The hint of the code is about GitHub.
  log.warn(
    {
      event: "take_over_failed",
      repository: fullNameOrId(registry.get(id), id),
      node,
      code,
      reason: message,
    },
    "a node that has the repository could not hand it over",
  );
}

/** Holds come before the first comparison, since that would move the refs. */
async function takeState(
  ports: TakeOverPorts,
  id: number,
  former: FormerOwner,
  run: RunContext,
): Promise<void> {
  const { mirrors, registry, holds, scopeOf } = ports;
  const lease = former.openLease();
  try {
    const bases = [...(await mirrors.tips(id, run.signal)).values()].slice(0, MAX_BASES);
    const bring = (ids: string[]) => bringObjects(mirrors, { id, lease, bases, run }, ids);
    // A shallow mirror holds nothing, and keeps nothing.
    const isWhole = scopeOf(id).depth === null;
    if (isWhole && former.isNew("holds"))
      for await (const page of former.holds()) {
        const tips = page.map(({ tip }) => tip).filter((tip) => tip !== ZERO && /^[0-9a-f]{40}$/.test(tip));
        const lost = await bring(tips);
        const standing = page.filter(({ tip }) => !lost.has(tip));
        ports.transaction(() => {
          if (!registry.managed(id)) return;
          for (const hold of standing) {
            holds.begin(id, hold);
            if (hold.allowed !== null) holds.allow(id, hold.ref, hold.allowed);
          }
        });
      }
    // A pause keeps the mirror of a repository that has gone.
    if (former.isNew("pause") && former.pausedAt !== null && registry.managed(id)) {
      registry.pause(id, former.pausedAt);
      if (registry.get(id)?.state === "onboarding") registry.setState(id, "behind");
    }
    if (isWhole && former.isNew("kept")) await takeKeptTips(ports, id, { former, run, bring });
    former.taken();
  } finally {
    lease.close();
  }
}

interface TakeKept {
  former: FormerOwner;
  run: RunContext;
  /** @returns the objects that the other node does not have either */
  bring(ids: string[]): Promise<Set<string>>;
}

async function takeKeptTips({ mirrors }: TakeOverPorts, id: number, { former, run, bring }: TakeKept) {
  const keyOf = ({ ref, sha, name }: KeptTip) => `${sha} ${ref ?? name}`;
  // Both nodes may have kept a tip at the same push, each at its own time.
  const known = new Set((await mirrors.kept(id, run.signal)).map(keyOf));
  for await (const page of former.keptTips()) {
    const missing = page.filter((tip) => !known.has(keyOf(tip)));
    const lost = await bring(missing.map(({ sha }) => sha));
    await mirrors.addKept(
      id,
      missing.filter(({ sha }) => !lost.has(sha)),
    );
  }
}

interface Bring {
  id: number;
  lease: Lease;
  bases: string[];
  run: RunContext;
}

/**
 * Brings objects from another node. One that is missing there fails a fetch as a whole, so that the halves are tried.
 * @returns the objects that are missing there
 */
async function bringObjects(mirrors: Mirrors, call: Bring, ids: readonly string[]): Promise<Set<string>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Set();
  const { id, lease, bases, run } = call;
  try {
    await mirrors.fetch(id, lease, wanted, bases, run);
    return new Set();
  } catch (error) {
    run.signal.throwIfAborted();
    if (asRefreshError(error).code !== "not_yet") throw error;
    if (wanted.length === 1) return new Set(wanted);
    const half = Math.ceil(wanted.length / 2);
    const first = await bringObjects(mirrors, call, wanted.slice(0, half));
    const second = await bringObjects(mirrors, call, wanted.slice(half));
    return new Set([...first, ...second]);
  }
}
