import type { Random } from "../random.js";
import type { Target } from "./target.js";

/** Many clients that stay while the requests are sent. */
export interface Crowd {
  /** The name for `--only`, in kebab case. */
  name: string;
  /** How many clients the full form has. */
  size: number;
  /** The line in docs/security.md. */
  about: string;
  /** Resolves when every client is connected, and has sent its request. */
  gather(target: Target, size: number, random: Random): Promise<Gathered>;
}

export interface Gathered {
  /** Returns a line of figures. */
  describe(): string;
  /** Ends every connection. */
  leave(): void;
}
