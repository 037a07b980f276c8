import type { Releasers } from "../releasers.js";
import type { Kind } from "./kinds.js";
import { openScene, type Scene, waitUntil } from "./scene.js";

export interface Round {
  number: number;
  kind: string;
  /** From the end of the fault, and of the traffic, until every ref of every owner's mirror is GitHub's. */
  recoveryMs: number;
  /** Deliveries that were answered 202 in this round. */
  acknowledged: number;
  /** What is still wrong; empty when the round is good. */
  faults: string[];
}

export interface Outcome {
  rounds: Round[];
  /** How often each answer to a delivery came; 0: the node could not be reached. */
  answers: ReadonlyMap<number, number>;
}

export interface RunOptions {
  minutes: number;
  seed: number;
  repositories: number;
  replicas: number;
  load: number;
  kinds: readonly Kind[];
  tempDir(): string;
  releasers: Releasers;
  report(round: Round): void;
}

const PATIENCE_MS = 300_000;

/** Runs rounds until the time is over, or one fails. */
export async function tortureNodes(options: RunOptions): Promise<Outcome> {
  const scene = await openScene(options);
  const rounds: Round[] = [];
  const turns = turnsOf(scene, options.kinds);
  const until = performance.now() + options.minutes * 60_000;
  for (let number = 1; ; number++) {
    const round = await runRound(scene, turns.next().value, number);
    rounds.push(round);
    options.report(round);
    if (round.faults.length > 0 || performance.now() > until) break;
  }
  return { rounds, answers: scene.answers };
}

/** Each kind has its turn before one comes again. */
function* turnsOf({ random }: Scene, kinds: readonly Kind[]): Generator<Kind, never> {
  for (;;) yield* random.shuffled(kinds);
}

/** Lists nodes that ended although nobody has ended them, with their last words. */
const ended = ({ cluster }: Scene): string[] =>
  [...cluster.nodes.values()].flatMap(({ name, lockstep }) =>
    lockstep.ended
      ? `node ${name} ended (${lockstep.ended.signal ?? lockstep.ended.code}): ${lockstep.tail(5)}`
      : [],
  );

/** Nothing of GitHub's is removed here, so that a node may only set aside what the owners have. */
const disappeared = ({ cluster }: Scene): string[] =>
  [...cluster.nodes.values()].flatMap(({ name, lockstep }) =>
    lockstep.log
      .filter(({ event, why }) => event === "repository_gone" && why !== "the nodes that own it have it")
      .map(({ repository, why }) => `node ${name} lost ${String(repository)}: ${String(why)}`),
  );

async function runRound(scene: Scene, kind: Kind, number: number): Promise<Round> {
  const { cluster, repos } = scene;
  const before = scene.answers.get(202) ?? 0;
  const traffic = scene.startTraffic();
  const faults: string[] = [];
  let recoveryMs = Number.NaN;
  try {
    await traffic.more(20);
    await kind.inflict(scene, traffic);
    await traffic.stop();
    const endedAt = performance.now();
    await waitUntil("all refs", () => cluster.faults(repos).length === 0, PATIENCE_MS);
    recoveryMs = performance.now() - endedAt;
    faults.push(...disappeared(scene));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    faults.push(message, ...ended(scene), ...cluster.faults(repos));
  } finally {
    await traffic.stop();
  }
  return {
    number,
    kind: kind.name,
    recoveryMs,
    acknowledged: (scene.answers.get(202) ?? 0) - before,
    faults,
  };
}
