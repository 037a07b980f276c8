import { Random } from "../random.js";
import type { Attack, Draw } from "./attack.js";

/** Seeds of neighbouring requests are far from each other. */
const STRIDE = 7_919;

/** Finds out what the request of a number is, from nothing but the seed, so that it can be repeated alone. */
export function planOf(
  attacks: readonly Attack[],
  seed: number,
): (number: number) => { attack: Attack } & Draw {
  const slots = new Random(seed).shuffled(
    attacks.flatMap((attack) => Array<Attack>(attack.weight).fill(attack)),
  );
  return (number) => {
    const at = number % slots.length;
    const attack = slots[at]!;
    const before = slots.slice(0, at).filter((other) => other === attack).length;
    const turn = Math.floor(number / slots.length) * attack.weight + before;
    return { attack, number, turn, random: new Random(seed + number * STRIDE) };
  };
}
