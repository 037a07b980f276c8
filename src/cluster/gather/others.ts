import type { Ask } from "../asking.js";
import type { MemberState, Members } from "../members.js";

interface Ports {
  /** This node's name. */
  self: string;
  members: Pick<Members, "all">;
  ask: Ask;
}

export interface Answered<T> {
  /** What the nodes answer. */
  parts: T[];
  /** The names of those that do not. */
  missing: string[];
}

/** Asks each other node that has a share the same. */
export type AskOthers = <T>(kind: string, body: unknown) => Promise<Answered<T>>;

export const createAskOthers =
  ({ self, members, ask }: Ports): AskOthers =>
  async <T>(kind: string, body: unknown) => {
    const others = members.all().filter(({ name, isAway }) => name !== self && !isAway);
    const answers = await Promise.all(others.map((node) => askNode<T>(ask, node, kind, body)));
    return {
      parts: answers.flatMap((answer) => (answer === null ? [] : [answer.value])),
      missing: others.filter((_, n) => answers[n] === null).map(({ name }) => name),
    };
  };

/** @returns null: the node does not answer */
async function askNode<T>(ask: Ask, { name, url, isAlive }: MemberState, kind: string, body: unknown) {
  if (url === null || !isAlive) return null;
  return ask<T>({ name, url }, kind, body).then(
    (value) => ({ value }),
    () => null,
  );
}
