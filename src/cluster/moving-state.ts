import { createHash } from "node:crypto";
import { z } from "zod";
import type { Answers, Ask } from "./asking.js";

/** What a node asks another one about a repository that moves. */
const KINDS = { state: "moving-state", holds: "moving-holds", kept: "moving-kept" } as const;

/** So many holds or kept tips go in one answer. */
const PAGE = 200;

const Sha = z.string().regex(/^[0-9a-f]{40}$/);
const Ref = z.string().min(1).max(4_096);
const Time = z.int().min(0);

const State = z.object({
  /** Whether there is a whole mirror, which can be cloned. */
  hasMirror: z.boolean(),
  /** Whether there is a mirror with a depth or a filter. A node of an earlier version does not say so. */
  hasPart: z.boolean().optional(),
  pausedAt: Time.nullable(),
  version: z.string().max(200).nullable(),
});
const HoldPage = z.object({
  holds: z.array(
    z.object({
      ref: Ref,
      tip: z.string().max(64),
      wanted: z.string().max(64),
      since: Time,
      cause: z.enum(["blocked", "restored", "vanished"]),
      allowed: z.string().max(64).nullable(),
    }),
  ),
  next: Ref.nullable(),
});
const KeptPage = z.object({
  tips: z.array(
    z.object({
      name: z
        .string()
        .regex(/^refs\/lockstep\/kept(?:-by-tip)?\/\d+-/)
        .max(4_096),
      ref: Ref.nullable(),
      sha: Sha,
      at: Time,
    }),
  ),
  next: z.tuple([Time, z.string()]).nullable(),
});
const Question = z.object({ id: z.int(), after: z.unknown().optional() });

export type MovingState = z.output<typeof State>;
type HoldPage = z.output<typeof HoldPage>;
type KeptPage = z.output<typeof KeptPage>;

interface Sources {
  /** Whether this node keeps a sound mirror of the repository in step: a whole one, or one with a depth or a filter. */
  hasMirror(id: number): boolean;
  hasPart(id: number): boolean;
  pausedAt(id: number): number | null;
  countHolds(id: number): number;
  holds(id: number, query: { limit: number; after: string | null }): HoldPage;
  kept(id: number, query: { limit: number; after: KeptPage["next"] }): KeptPage & { total: number };
}

const PARTS = ["pause", "holds", "kept"] as const;
type Part = (typeof PARTS)[number];

/** Returns the parts in which two versions of a repository's state differ. */
export function partsThatDiffer(before: string | null, now: string): Set<Part> {
  const [old, fresh] = [before?.split(".") ?? [], now.split(".")];
  return new Set(PARTS.filter((_, n) => old[n] !== fresh[n]));
}

/** @returns one word for each of PARTS; null: there is nothing to take over */
export function versionOf(sources: Sources, id: number): string | null {
  const pausedAt = sources.pausedAt(id);
  const kept = sources.kept(id, { limit: 1, after: null });
  const hash = createHash("sha256");
  let count = 0;
  for (let after: string | null = null; sources.countHolds(id) > 0; ) {
    const page = sources.holds(id, { limit: PAGE, after });
    for (const { ref, tip, since, wanted, allowed } of page.holds)
      hash.update(JSON.stringify([ref, tip, since, wanted, allowed]));
    count += page.holds.length;
    after = page.next;
    if (after === null) break;
  }
  if (pausedAt === null && count === 0 && kept.total === 0) return null;
  const newest = createHash("sha256").update(kept.tips[0]?.name ?? "");
  const short = (made: ReturnType<typeof createHash>) => made.digest("hex").slice(0, 32);
  return [pausedAt ?? "none", short(hash), `${kept.total}-${short(newest)}`].join(".");
}

/** Answers nodes that take repositories over. */
export function createMovingAnswers(sources: Sources): Answers {
  return {
    [KINDS.state](body): MovingState {
      const { id } = Question.parse(body);
      return {
        hasMirror: sources.hasMirror(id),
        hasPart: sources.hasPart(id),
        pausedAt: sources.pausedAt(id),
        version: versionOf(sources, id),
      };
    },
    [KINDS.holds](body): HoldPage {
      const { id, after } = Question.parse(body);
      return sources.holds(id, { limit: PAGE, after: Ref.nullable().parse(after) });
    },
    [KINDS.kept](body): KeptPage {
      const { id, after } = Question.parse(body);
      return sources.kept(id, { limit: PAGE, after: KeptPage.shape.next.parse(after) });
    },
  };
}

type Node = Parameters<Ask>[0];

export const askForState = async (ask: Ask, node: Node, id: number): Promise<MovingState> =>
  State.parse(await ask(node, KINDS.state, { id }));

export async function* askForHolds(ask: Ask, node: Node, id: number): AsyncIterable<HoldPage["holds"]> {
  for (let after: string | null = null; ; ) {
    const page: HoldPage = HoldPage.parse(await ask(node, KINDS.holds, { id, after }));
    yield page.holds;
    if (page.next === null) return;
    after = page.next;
  }
}

export async function* askForKeptTips(ask: Ask, node: Node, id: number): AsyncIterable<KeptPage["tips"]> {
  for (let after: KeptPage["next"] = null; ; ) {
    const page: KeptPage = KeptPage.parse(await ask(node, KINDS.kept, { id, after }));
    yield page.tips;
    if (page.next === null) return;
    after = page.next;
  }
}
