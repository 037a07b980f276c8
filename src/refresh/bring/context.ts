import type { Outbox } from "../../announce/outbox.js";
import type { ErrorCode } from "../../base/errors.js";
import type { Log } from "../../base/log.js";
import {
  type OpenRef,
  type RefChange,
  type RefHint,
  type RefusedRef,
  type ScopeOf,
  type Trigger,
  ZERO,
} from "../../base/model.js";
import { forEachInSlices } from "../../base/slices.js";
import type { Mirrors, RunContext } from "../../git/mirror/mirrors.js";
import type { Lease, LeaseOptions } from "../../git/transport/lease.js";
import type { ManagedRepository, Registry } from "../../registry/repositories.js";
import type { RefFacts } from "../decide.js";
import type { Guard, Move } from "../guard.js";
import type { Holds } from "../holds.js";

/** The objects that one refresh works with. */
export interface Pass {
  repository: ManagedRepository;
  trigger: Trigger;
  lease: Lease;
  run: RunContext;
  /** Opens a further lease, for a fetch whose failure must not become the pass's own. */
  openLease(options?: LeaseOptions): Lease;
  /**
   * Confirms, after an answer under the name, that the name still belongs to the repository.
   * @returns the repository's `pushed_at`, in whole seconds since 1970 @throws RefreshError `moved`
   */
  confirmName(): Promise<number>;
  /** Lets others look at the mirror while the refresh waits for GitHub. */
  lend<T>(wait: () => Promise<T>): Promise<T>;
}

export interface Brought {
  changes: RefChange[];
  /** The refs that git or the disk refuses to write. */
  refused: RefusedRef[];
  /** The answer differed from the deliveries: a later push superseded them. */
  superseded: boolean;
  /** The refs whose reported push GitHub does not show yet; they were left unchanged. */
  open: OpenRef[];
  /** The hints whose push GitHub has not shown within a day; its answer was accepted. */
  abandoned: RefHint[];
}

/** The objects that bringing refs works with. */
export interface BringContext {
  mirrors: Mirrors;
  registry: Registry;
  guard: Guard;
  holds: Holds;
  outbox: Outbox;
  scopeOf: ScopeOf;
  keepHistoryMs: number;
  /** The number of kept tips that a mirror may have. */
  maxKeptTips: number;
  log: Pick<Log, "warn">;
  /** Called when refs that are not GitHub's have been removed. */
  dropped(id: number, changes: RefChange[]): void;
  /** Resolves after so many milliseconds. @throws when the signal aborts */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  now: () => number;
  /** The time by which things are deleted for their age. */
  earliestNow: () => number;
}

/** One ref that deliveries report, and what is known before it is brought. */
export interface Plan {
  hint: RefHint;
  facts: RefFacts;
}

export const NOTHING: Brought = { changes: [], refused: [], superseded: false, open: [], abandoned: [] };

/** Where the ref should be, by the newest delivery; ZERO: it should not exist. */
export const expectedTip = ({ points }: RefHint): string => points.at(-1)!;

/** The number of old tips that a fetch names to GitHub; more tips only lengthen git's request. */
const MAX_BASES = 200;

export async function factsOf(
  { mirrors, registry, now }: BringContext,
  { repository }: Pass,
  ref: string,
): Promise<RefFacts> {
  const knowledge = registry.ref(repository.id, ref);
  const movedAt = Math.min(knowledge.movedAt, now());
  // A move that lies ahead was recorded before the clock was set back; it counts as made now.
  if (movedAt !== knowledge.movedAt) registry.learnRef(repository.id, ref, { ...knowledge, movedAt });
  const tip = await mirrors.tip(repository.id, ref);
  return { tip, knowledge: { ...knowledge, movedAt }, comparedAt: repository.comparedAt };
}

/** @returns commits that GitHub may build on: the tips that exist, or the default branch's */
export async function basesFor(
  { mirrors }: BringContext,
  pass: Pass,
  tips: Iterable<string>,
): Promise<string[]> {
  const known = new Set<string>();
  for (const tip of tips) {
    if (known.size === MAX_BASES) break;
    if (tip !== ZERO) known.add(tip);
  }
  if (known.size > 0) return [...known];
  const main = await mirrors.tip(pass.repository.id, `refs/heads/${pass.repository.defaultBranch}`);
  return main === ZERO ? [] : [main];
}

/** Fetches the objects to which refs move. @param tips what GitHub may build on */
export async function fetchNewTips(
  context: BringContext,
  pass: Pass,
  moves: Move[],
  tips: Iterable<string>,
): Promise<void> {
  const wants = new Set<string>();
  await forEachInSlices(moves, ({ before, after }) => {
    if (after !== ZERO && after !== before) wants.add(after);
  });
  if (wants.size === 0) return;
  const bases = await basesFor(context, pass, tips);
  const { id } = pass.repository;
  await pass.lend(() => context.mirrors.fetch(id, pass.lease, [...wants], bases, pass.run));
}

/** What became of moves; the history guard may hold refs besides. */
export type Written = Pick<Brought, "changes" | "refused">;

/**
 * The mirror's refs are only written here.
 * @param refusals the codes of failures that leave out a ref and no other. Default: REFUSALS
 */
export async function writeRefs(
  context: BringContext,
  { repository, trigger }: Pass,
  moves: Move[],
  refusals?: readonly ErrorCode[],
): Promise<Written> {
  const { mirrors, guard, outbox } = context;
  const { changes, keep, record } = await guard.judge(repository, moves, (a, b) =>
    mirrors.isAncestor(repository.id, a, b),
  );
  await outbox.intend(repository.id, trigger, changes);
  const { kept, refused } = await mirrors.apply(repository.id, changes, keep, refusals);
  await record({ kept });
  return written(context, repository.id, changes, refused);
}

/** Takes refused changes out of those that are announced. */
export async function written(
  { mirrors, outbox }: BringContext,
  id: number,
  changes: RefChange[],
  refused: RefusedRef[],
): Promise<Written> {
  if (refused.length === 0) return { changes, refused };
  outbox.resolve(id, new Map([...(await mirrors.tips(id)), ...(await mirrors.outside(id))]));
  const names = new Set(refused.map(({ ref }) => ref));
  return { changes: changes.filter(({ ref }) => !names.has(ref)), refused };
}

/** @param movedFrom the tip from which the delivery's word moved the ref; null: the delivery moved nothing */
export function learn(
  { registry, now }: BringContext,
  { repository }: Pass,
  hint: Pick<RefHint, "ref" | "pushedAt">,
  movedFrom: string | null,
): void {
  const known = registry.ref(repository.id, hint.ref);
  registry.learnRef(repository.id, hint.ref, {
    pushedAt: Math.max(known.pushedAt, hint.pushedAt),
    movedAt: movedFrom === null ? known.movedAt : now(),
    movedFrom: movedFrom ?? known.movedFrom,
  });
}
