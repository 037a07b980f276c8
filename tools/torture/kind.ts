import type { Random } from "../random.js";
import type { World } from "./world.js";

/** What a fault needs of the machine beside git and node. */
export type Need = "root" | "faketime" | "strace";

/** Ends a fault, so that nothing but Lockstep itself stands between the mirrors and GitHub. */
export type Undo = () => Promise<void>;

/** What a fault may take away although Lockstep acknowledged it. */
export type Loss =
  /** The log of deliveries, because the database is an older copy, or is gone. */
  | "deliveries"
  /** Old tips, because the mirror that had them is an older copy, or can no longer be read. */
  | "history";

/** One kind of fault. */
export interface Kind {
  /** The name for `--only`, in kebab case. */
  name: string;
  needs?: Need[];
  mayLose?: Loss[];
  /** The fault makes its own pushes, and others would be in its way. */
  isAlone?: boolean;
  /** Whether the kind has done all that it can do; without this, it never has. */
  isComplete?(world: World): boolean;
  /**
   * Makes the fault happen while pushes go on. All that is random comes from `random`.
   * @returns what ends the fault; the time of recovery starts when it has ended
   */
  inflict(world: World, random: Random): Promise<Undo>;
}
