import PQueue from "p-queue";
import { RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type History, type RefChange, type RepositoryName, type ScopeOf, ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import { isInside } from "../base/patterns.js";
import type { IsAncestor, Judge, Made, Verdict } from "../git/mirror/carry.js";
import { KEEP_NOTHING } from "../git/mirror/kept.js";
import { clash, compareTips } from "../git/mirror/refs.js";
import type { Hold, Holds } from "./holds.js";

/** A difference between the mirror (`before`) and GitHub (`after`); none where a ref is held at GitHub's value. */
export interface Move extends RefChange {
  /** What the delivery says for sure; undefined: git is asked. */
  forced?: boolean | undefined;
  /** A ref of GitHub's that leaves no room for this one, which is held and not in the mirror. */
  inPlace?: string | undefined;
}

interface Tools {
  history: History;
  holds: Holds;
  scopeOf: ScopeOf;
  log: Pick<Log, "info" | "warn">;
  now: () => number;
}

type Repository = RepositoryName & { id: number };

/** What becomes of one ref. */
interface Ruling {
  change: RefChange | null;
  keep: boolean;
  /** The hold that stands after this, new or old. */
  holds: Hold | null;
  begins: boolean;
  /** The hold that is over, and why. */
  ended: { hold: Hold; why: string } | null;
}

const AT_A_TIME = 4;
const LOGGED = 10;

/** Decides what a refresh may do to refs, by HISTORY and by the holds that stand. */
export function createGuard({ history, holds, scopeOf, log, now }: Tools) {
  /** What is cut off from its history cannot be told to be forced, nor be kept without it. */
  const isGuarded = (id: number) => scopeOf(id).depth === null;

  /** Holds on refs of the scope; nothing is brought for any other. */
  function standing(id: number): Hold[] {
    if (!isGuarded(id)) return [];
    const isIn = isInside(scopeOf(id));
    return holds.of(id).filter(({ ref }) => isIn(ref));
  }

  /** Every ref to decide on when all of GitHub's are known: those that differ, and those that are held. */
  function differences(id: number, local: Map<string, string>, github: Map<string, string>): Move[] {
    const held = new Set(standing(id).map(({ ref }) => ref));
    const moves: Move[] = compareTips(local, github).filter(({ ref }) => !held.has(ref));
    for (const ref of held) {
      const inPlace = local.has(ref) ? undefined : [...github.keys()].find((other) => clash(other, ref));
      moves.push({ ref, before: local.get(ref) ?? ZERO, after: github.get(ref) ?? ZERO, inPlace });
    }
    return moves;
  }

  async function judge(repository: Repository, moves: Move[], isAncestor: IsAncestor): Promise<Verdict> {
    if (!isGuarded(repository.id)) return unguarded(repository, moves);
    const held = new Map(standing(repository.id).map((hold) => [hold.ref, hold]));
    const queue = new PQueue({ concurrency: AT_A_TIME });
    const rulings = await queue.addAll(moves.map((move) => () => rule(move, held.get(move.ref), isAncestor)));
    for (const ruling of rulings) {
      if (ruling.ended) held.delete(ruling.ended.hold.ref);
      if (ruling.holds) held.set(ruling.holds.ref, ruling.holds);
    }
    const changes: RefChange[] = [];
    const refs = new Set<string>();
    for (const { change, keep } of rulings) {
      if (!change || waits(change, held.keys())) continue;
      changes.push(change);
      if (keep) refs.add(change.ref);
    }
    const record = (made: Made) => write(repository, moves, rulings, made);
    return { changes, keep: { refs, at: now() }, record };
  }

  function unguarded(repository: Repository, moves: Move[]): Verdict {
    const changes = moves.map(({ ref, before, after }) => ({ ref, before, after }));
    const record = () => {
      for (const hold of holds.of(repository.id)) end(repository, hold, "its mirror is shallow");
    };
    return { changes: changes.filter(({ before, after }) => before !== after), keep: KEEP_NOTHING, record };
  }

  async function rule(move: Move, hold: Hold | undefined, isAncestor: IsAncestor): Promise<Ruling> {
    const why = hold ? await reasonToEnd(hold, move, isAncestor) : null;
    const ended = hold && why !== null ? { hold, why } : null;
    const stands = hold && !ended ? hold : null;
    const after = stands ? stands.tip : move.after;
    const change = after === move.before ? null : { ref: move.ref, before: move.before, after };
    // A delivery's word is about GitHub's value, not about the tip of a hold.
    const forced =
      change && (await isForced({ ...change, forced: stands ? undefined : move.forced }, isAncestor));
    if (forced && !hold && history === "block") {
      const { ref, before: tip, after: wanted } = move;
      const fresh: Hold = { ref, tip, wanted, since: now(), cause: "blocked", allowed: null };
      return { change: null, keep: false, holds: fresh, begins: true, ended };
    }
    return { change, keep: Boolean(forced) && history !== "mirror", holds: stands, begins: false, ended };
  }

  /** @returns why the hold is over; null: it stands */
  async function reasonToEnd(hold: Hold, move: Move, isAncestor: IsAncestor): Promise<string | null> {
    const { tip, wanted, cause, allowed } = hold;
    const { after: github, inPlace } = move;
    if (inPlace !== undefined) return `${inPlace} is in its place`;
    if (allowed === github) return "it was allowed";
    if (github === tip) return "GitHub has the held tip again";
    if (cause === "blocked" && history !== "block") return "HISTORY is no longer block";
    if (github === ZERO || !(await isAncestor(tip, github))) return null;
    // A restored tip may well be behind GitHub's: then a further push there is no way back to it.
    const returns = cause === "blocked" || (github !== wanted && !(await isAncestor(tip, wanted)));
    return returns ? "GitHub goes on from the held tip" : null;
  }

  function write(repository: Repository, moves: Move[], rulings: Ruling[], made: Made): void {
    const { id } = repository;
    const github = new Map(moves.map(({ ref, after }) => [ref, after]));
    const lost = made.lost ?? [];
    for (const { holds: hold, begins, ended } of rulings) {
      if (ended) end(repository, ended.hold, ended.why);
      if (!hold) continue;
      const wanted = github.get(hold.ref) ?? hold.wanted;
      if (lost.some(({ ref, sha }) => ref === hold.ref && sha === hold.tip)) {
        if (!begins) end(repository, hold, "its tip is lost with the old mirror");
      } else if (begins) begin(repository, hold);
      else if (wanted !== hold.wanted) holds.follow(id, hold, wanted);
    }
    tellKept(repository, made);
  }

  function begin(repository: Repository, hold: Hold): void {
    holds.begin(repository.id, hold);
    const { ref, tip, wanted } = hold;
    const details = {
      repository: fullName(repository),
      ref,
      tip,
      wanted,
      allow: allowCall(repository, hold),
    };
    log.warn(details, "a forced change is refused: the ref is held where it was");
  }

  function end(repository: Repository, hold: Hold, reason: string): void {
    holds.end(repository.id, hold);
    const { ref, tip } = hold;
    log.info({ repository: fullName(repository), ref, tip, reason }, "the hold on a ref is over");
  }

  function tellKept(repository: Repository, { kept, lost = [], unreadable }: Made): void {
    const about = { repository: fullName(repository) };
    if (kept.length > 0) {
      const names = kept.slice(0, LOGGED).map(({ name }) => name);
      const restore = `POST ${pathOf(repository)}/restore`;
      log.info({ ...about, tips: kept.length, kept: names, restore }, "old tips are kept");
    }
    if (lost.length > 0) {
      log.warn(
        { ...about, tips: lost.length, lost: lost.slice(0, LOGGED) },
        "old tips are lost: the mirror was deleted or damaged",
      );
    }
    if (unreadable) log.warn(about, "the refs of a damaged mirror could not be read: what it kept is lost");
  }

  /** What a repository is said to suffer from while a hold stands; null: none does. */
  function failure(repository: Repository): RefreshError | null {
    const all = standing(repository.id);
    if (all.length === 0) return null;
    const named = all
      .slice(0, LOGGED)
      .map(({ ref, tip, wanted }) => `${ref} is held at ${tip}, GitHub has ${wanted}`);
    const more = all.length > LOGGED ? ` and ${all.length - LOGGED} more` : "";
    return new RefreshError(
      "history_blocked",
      `${named.join("; ")}${more}; POST ${pathOf(repository)}/allow takes a change over`,
    );
  }

  return {
    standing,
    differences,
    judge,
    failure,
    /** For a mirror that is made anew. */
    judgeOf: (repository: Repository): Judge => ({
      differences: (local, github) => differences(repository.id, inside(repository.id, local), github),
      judge: (moves, isAncestor) => judge(repository, moves, isAncestor),
    }),
  };

  function inside(id: number, tips: Map<string, string>): Map<string, string> {
    const isIn = isInside(scopeOf(id));
    return new Map([...tips].filter(([ref]) => isIn(ref)));
  }
}

export type Guard = ReturnType<typeof createGuard>;

async function isForced({ ref, before, after, forced }: Move, isAncestor: IsAncestor): Promise<boolean> {
  if (before === ZERO) return false;
  if (after === ZERO || ref.startsWith("refs/tags/")) return true;
  return forced ?? !(await isAncestor(before, after));
}

/** `a/b` cannot be made while `a` is held, nor `a` beside a held `a/b`. */
const waits = ({ ref, after }: RefChange, held: Iterable<string>): boolean =>
  after !== ZERO && [...held].some((other) => clash(ref, other));

const pathOf = (repository: RepositoryName): string => `/api/v1/repos/${fullName(repository)}`;

/** The call that lets a change through, as a person would type it. */
export const allowCall = (repository: RepositoryName, { ref, wanted }: Hold): string =>
  `POST ${pathOf(repository)}/allow ${JSON.stringify({ ref, wanted })}`;
