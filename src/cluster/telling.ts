import { z } from "zod";
import type { Tellers, ToldQuestion } from "../announce/tellers.js";
import { type Ask, createAskNamed } from "./asking.js";
import type { MemberState, Members } from "./members.js";

interface Ports {
  /** This node's name. */
  self: string;
  members: Pick<Members, "placement" | "get">;
  ask: Ask;
}

/** The question whether another node has announced an event. */
export const TOLD = "told";

/** The first owner that is alive announces a repository; also while it still clones it, as the others speak up for it. */
export function createTellers({ self, members, ask }: Ports): Tellers {
  const askNamed = createAskNamed(ask, members);

  function tellerOf(repositoryId: number): MemberState | null {
    const owners = members.placement().ownersOf(repositoryId);
    const alive = owners.flatMap((name) => members.get(name) ?? []).filter(({ isAlive }) => isAlive);
    return alive.find(({ isLeaving }) => !isLeaving) ?? alive[0] ?? null;
  }
  return {
    isTeller(repositoryId) {
      const teller = tellerOf(repositoryId);
      return teller === null || teller.name === self;
    },
    async hasTold(question) {
      const teller = tellerOf(question.repositoryId);
      return teller !== null && (await askNamed<boolean>(teller.name, TOLD, question)) === true;
    },
  };
}

const Question = z.object({
  consumer: z.string(),
  repositoryId: z.int().positive(),
  states: z.array(z.tuple([z.string(), z.string()])),
  ageMs: z.number().min(0),
});

/** @throws ZodError for what is no question of this kind */
export const readToldQuestion = (body: unknown): ToldQuestion => Question.parse(body);
