import { spawnSync } from "node:child_process";
import type { Kind, Need } from "./kind.js";
import { CLOCK_LIBRARY } from "./world.js";

const succeeds = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

/** Returns for each need why this machine does not meet it; null: it does. */
export function unmetNeeds(): Record<Need, string | null> {
  const isRoot =
    process.getuid?.() === 0 && succeeds("losetup", "--find") && succeeds("unshare", "--mount", "true");
  return {
    root: isRoot ? null : "needs root and loop devices",
    faketime: CLOCK_LIBRARY === undefined ? "needs libfaketime (npm run test:setup)" : null,
    strace: succeeds("strace", "-qq", "-e", "trace=none", "true") ? null : "needs strace that may trace",
  };
}

/** Returns why a kind cannot run here; null: it can. */
export const whyNot = ({ needs = [] }: Kind, unmet: Record<Need, string | null>): string | null =>
  needs.map((need) => unmet[need]).find((reason) => reason !== null) ?? null;
