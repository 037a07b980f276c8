import type { Push } from "../tools/standin/index.js";

/** Brings one mirror of the upstream in step with a push. */
export interface Way {
  name: string;
  /** @returns milliseconds from the push's report until the mirror has the push */
  bring(push: Push): Promise<number>;
}
