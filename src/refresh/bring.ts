import type { Outbox } from "../announce/outbox.js";
import { RefreshError } from "../base/errors.js";
import { type RefChange, type RefHint, type ScopeOf, type Trigger, ZERO } from "../base/model.js";
import { isInside } from "../base/patterns.js";
import { type Mirrors, missingRefOf, type RunContext } from "../git/mirror/mirrors.js";
import { clash, compareTips } from "../git/mirror/refs.js";
import type { Lease } from "../git/transport/lease.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { decide, isBeforePush, type RefFacts, turnsBack, type Way } from "./decide.js";
import type { Guard, Move } from "./guard.js";

/** The objects that one refresh works with. */
export interface Pass {
  repository: ManagedRepository;
  trigger: Trigger;
  lease: Lease;
  run: RunContext;
  /** True: old answers of GitHub's are no longer waited out. */
  lastTry: boolean;
  /**
   * Confirms, after an answer under the name, that the name still belongs to the repository. @throws
   * RefreshError `moved`
   */
  confirmName(): Promise<void>;
}

export interface Brought {
  changes: RefChange[];
  /** A push was reported, but GitHub itself still serves the state before the push. */
  behind: boolean;
  /** The answer differed from the deliveries: a later push superseded them. */
  superseded: boolean;
  /** Some refs were left unchanged, since GitHub's answer may be from before a push. */
  notYet: RefreshError | null;
}

interface Tools {
  mirrors: Mirrors;
  registry: Registry;
  guard: Guard;
  outbox: Outbox;
  scopeOf: ScopeOf;
  keepHistoryMs: number;
  /** Called when refs that are not GitHub's have been removed. */
  dropped(id: number, changes: RefChange[]): void;
  now: () => number;
}

const NOTHING: Brought = { changes: [], behind: false, superseded: false, notYet: null };

const stillOld = (ref: string) =>
  new RefreshError("not_yet", `GitHub still serves ${ref} as it was before a push`);

/** With more missing refs than this in one question, every ref is compared instead. */
const MAX_MISSING = 5;
/** The number of old tips that a full comparison names to GitHub; more tips only lengthen git's request. */
const MAX_BASES = 200;

/** The bringer has three ways to bring refs; see the Syncer chapter of docs/how-it-works.md. */
export function createBringer(tools: Tools) {
  const { mirrors, registry, guard, outbox, scopeOf, keepHistoryMs, dropped, now } = tools;
  const ancestry = (id: number) => (a: string, b: string) => mirrors.mayBeAncestor(id, a, b);

  async function factsOf({ repository }: Pass, ref: string): Promise<RefFacts> {
    return {
      tip: await mirrors.tip(repository.id, ref),
      knowledge: registry.ref(repository.id, ref),
      comparedAt: repository.comparedAt,
    };
  }

  async function basesFor(pass: Pass, tips: string[]): Promise<string[]> {
    const known = tips.filter((tip) => tip !== ZERO);
    if (known.length > 0) return [...new Set(known)].slice(0, MAX_BASES);
    const main = await mirrors.tip(pass.repository.id, `refs/heads/${pass.repository.defaultBranch}`);
    return main === ZERO ? [] : [main];
  }

  /** The mirror's refs are only written here. @returns what changed: the history guard may hold refs */
  async function write({ repository, trigger }: Pass, moves: Move[]): Promise<RefChange[]> {
    const { changes, keep, record } = await guard.judge(repository, moves, (a, b) =>
      mirrors.isAncestor(repository.id, a, b),
    );
    outbox.intend(repository.id, trigger, changes);
    record({ kept: await mirrors.apply(repository.id, changes, keep) });
    return changes;
  }

  /**
   * Brings what the deliveries report; a ref whose delivery is not provably the newest is asked for by name.
   */
  async function byHint(pass: Pass, hints: RefHint[]): Promise<Brought & { way: Way }> {
    const isIn = isInside(scopeOf(pass.repository.id));
    const inside = hints.filter(({ ref }) => isIn(ref));
    const heldRefs = new Set(guard.standing(pass.repository.id).map(({ ref }) => ref));
    const plans = await Promise.all(
      inside.map(async (hint) => {
        const facts = await factsOf(pass, hint.ref);
        // For a ref that is held at another tip than GitHub's, only GitHub itself can say whether the two
        // still differ.
        return { hint, facts, way: heldRefs.has(hint.ref) ? ("name" as const) : decide(hint, facts) };
      }),
    );
    for (const { hint, way } of plans) if (way === "none") learn(pass, hint, null);
    const words = plans.filter((plan) => plan.way === "word");
    const names = plans.filter((plan) => plan.way === "name");
    const hinted = await byWord(pass, words);
    const asked = await byName(pass, names);
    const way = names.length > 0 ? "name" : words.length > 0 ? "word" : "none";
    return { ...asked, changes: [...hinted, ...asked.changes], way };
  }

  async function byWord(pass: Pass, plans: { hint: RefHint; facts: RefFacts }[]): Promise<RefChange[]> {
    if (plans.length === 0) return [];
    const { id } = pass.repository;
    const moves = plans.map(({ hint, facts }) => ({
      ref: hint.ref,
      before: facts.tip,
      after: hint.points.at(-1)!,
      forced: wasForced(hint),
    }));
    const wants = [...new Set(moves.map((change) => change.after).filter((after) => after !== ZERO))];
    if (wants.length > 0) {
      const bases = await basesFor(
        pass,
        moves.map((move) => move.before),
      );
      const brought = await mirrors.fetch(id, pass.lease, wants, bases, pass.run);
      const other = brought.find((sha, index) => sha !== wants[index]);
      if (other) throw new RefreshError("git", `git fetch returned ${other}, which was not requested`);
    }
    const changes = await write(pass, moves);
    const moved = new Set(changes.map(({ ref }) => ref));
    for (const { hint, facts } of plans) learn(pass, hint, moved.has(hint.ref) ? facts.tip : null);
    return changes;
  }

  async function byName(pass: Pass, plans: { hint: RefHint; facts: RefFacts }[]): Promise<Brought> {
    if (plans.length === 0) return NOTHING;
    const refs = plans.map(({ hint }) => hint.ref);
    const bases = await basesFor(
      pass,
      plans.map(({ facts }) => facts.tip),
    );
    const answers = await ask(pass, refs, bases);
    await pass.confirmName();
    const { id } = pass.repository;
    const moves: Move[] = [];
    const proven: RefHint[] = [];
    let superseded = false;
    let notYet: RefreshError | null = null;
    for (const { hint, facts } of plans) {
      const answer = answers.get(hint.ref) ?? ZERO;
      const old =
        (await isBeforePush(hint, answer, facts, ancestry(id))) ||
        (await turnsBack(answer, hint, facts, now(), ancestry(id)));
      if (old) {
        notYet = stillOld(hint.ref);
        continue;
      }
      proven.push(hint);
      if (answer !== hint.points.at(-1)) superseded = true;
      moves.push({ ref: hint.ref, before: facts.tip, after: answer });
    }
    const changes = await write(pass, moves);
    const servedAt = pass.lease.servedAt() ?? 0;
    for (const hint of proven) {
      learn(pass, { ...hint, pushedAt: Math.max(hint.pushedAt, servedAt) }, null);
    }
    return { changes, behind: false, superseded, notYet };
  }

  /** Fetches refs by name; refs that GitHub does not have are missing from the answer. */
  async function ask(pass: Pass, refs: string[], bases: string[]): Promise<Map<string, string>> {
    let left = refs;
    for (let missing = 0; left.length > 0; missing++) {
      try {
        const shas = await mirrors.fetch(pass.repository.id, pass.lease, left, bases, pass.run);
        return new Map(left.map((ref, index) => [ref, shas[index]!]));
      } catch (error) {
        const absent = missingRefOf(error);
        if (absent === null || !left.includes(absent) || missing >= MAX_MISSING) throw error;
        left = left.filter((ref) => ref !== absent);
      }
    }
    return new Map();
  }

  /** Compares every ref of GitHub's with every ref of the mirror. */
  async function inFull(pass: Pass, hints: RefHint[]): Promise<Brought> {
    const { id } = pass.repository;
    const facts = new Map<string, RefFacts>();
    for (const hint of hints) facts.set(hint.ref, await factsOf(pass, hint.ref));
    const remote = await mirrors.remoteTips(id, pass.lease, pass.run);
    await pass.confirmName();
    const local = await mirrors.tips(id, pass.run.signal);
    const { behind, refs: old } = await oldAnswers(pass, hints, facts, remote, local);
    const moves = guard.differences(id, local, remote).filter(({ ref }) => !waitsFor(ref, old));
    const missing = moves.filter(({ before, after }) => after !== ZERO && after !== before);
    const wants = [...new Set(missing.map(({ after }) => after))];
    if (wants.length > 0) {
      const tips = moves.map(({ before }) => before);
      const bases = await basesFor(pass, [
        local.get(`refs/heads/${pass.repository.defaultBranch}`) ?? ZERO,
        ...tips,
      ]);
      await mirrors.fetch(id, pass.lease, wants, bases, pass.run);
    }
    const changes = await write(pass, moves);
    // The comparison is acted on, whatever the Date of the answer: GitHub's servers each have their own
    // clock.
    const isIn = isInside(scopeOf(id));
    for (const hint of hints) if (isIn(hint.ref) && !old.has(hint.ref)) learn(pass, hint, null);
    await forgetOldTips(pass);
    // The old scope is kept while a new scope waits for room on the disk.
    const drops = (pass.repository.recheck || scopeOf(id).depth !== null) && mirrors.hasWantedExtent(id);
    if (drops) changes.push(...(await dropOutside(pass)));
    const superseded = hints.some(
      ({ ref, points }) => isIn(ref) && (remote.get(ref) ?? ZERO) !== points.at(-1),
    );
    // A doubt about turning a ref back ends by itself after REPLICA_LAG_MS, so such a doubt is always waited
    // for.
    return { changes, behind, superseded, notYet: old.size === 0 ? null : stillOld([...old][0]!) };
  }

  /** Drops refs of an earlier scope, which no refresh follows any more. */
  async function dropOutside({ repository: { id }, trigger, run }: Pass): Promise<RefChange[]> {
    const outside = [...(await mirrors.outside(id, run.signal))];
    const changes = outside.map(([ref, before]) => ({ ref, before, after: ZERO }));
    outbox.intend(id, trigger, changes);
    await mirrors.apply(id, changes);
    return changes;
  }

  /** Drops kept tips older than KEEP_HISTORY. */
  async function forgetOldTips({ repository, run }: Pass): Promise<void> {
    const keptTips = await mirrors.kept(repository.id, run.signal);
    const old = keptTips.filter(({ at }) => at < now() - keepHistoryMs);
    if (old.length === 0) return;
    await mirrors.dropKept(repository.id, old);
    dropped(
      repository.id,
      old.map(({ name, sha }) => ({ ref: name, before: sha, after: ZERO })),
    );
  }

  /** Finds refs whose answer may be older than a reported push; such refs are left unchanged. */
  async function oldAnswers(
    pass: Pass,
    hints: RefHint[],
    facts: Map<string, RefFacts>,
    remote: Map<string, string>,
    local: Map<string, string>,
  ): Promise<{ behind: boolean; refs: Set<string> }> {
    const { id, comparedAt } = pass.repository;
    const byRef = new Map(hints.map((hint) => [hint.ref, hint]));
    const refs = new Set<string>();
    let behind = false;
    const isIn = isInside(scopeOf(id));
    for (const hint of hints) {
      if (!isIn(hint.ref)) continue;
      const old = await isBeforePush(hint, remote.get(hint.ref) ?? ZERO, facts.get(hint.ref)!, ancestry(id));
      if (old && pass.lastTry) behind = true;
      if (old && !pass.lastTry) refs.add(hint.ref);
    }
    for (const { ref, after, before } of compareTips(local, remote)) {
      const known = { tip: before, knowledge: registry.ref(id, ref), comparedAt };
      if (await turnsBack(after, byRef.get(ref), known, now(), ancestry(id))) refs.add(ref);
    }
    return { behind, refs };
  }

  /**
   * @param movedFrom the tip from which the delivery's word moved the ref; null: the delivery moved nothing
   */
  function learn({ repository }: Pass, hint: RefHint, movedFrom: string | null): void {
    const known = registry.ref(repository.id, hint.ref);
    registry.learnRef(repository.id, hint.ref, {
      pushedAt: Math.max(known.pushedAt, hint.pushedAt),
      movedAt: movedFrom === null ? known.movedAt : now(),
      movedFrom: movedFrom ?? known.movedFrom,
    });
  }

  return { byHint, inFull };
}

export type Bringer = ReturnType<typeof createBringer>;

/**
 * Whether a ref is left unchanged for now: because its own answer is old, or as `a/b` or `a` beside a ref
 * whose answer is.
 */
const waitsFor = (ref: string, old: Set<string>): boolean =>
  old.has(ref) || [...old].some((other) => clash(ref, other));

/** A chain with a forced step may still end in a fast-forward, so git is asked. */
const wasForced = ({ points, forced }: RefHint): boolean | undefined =>
  forced === true && points.length > 2 ? undefined : forced;
