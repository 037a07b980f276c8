import leven from "leven";
import { VARIABLES } from "./variables.js";

export interface Misspelt {
  /** The variable that is set, and that nothing reads. */
  name: string;
  /** The variable that is probably meant. */
  meant: string;
}

const OURS = Object.keys(VARIABLES.shape);
/** Others set these: Probot, Node.js, and Kubernetes for a service called lockstep. */
const OTHERS = new Set(["LOCKSTEP_URL", "LOCKSTEP_PORT", "LOG_LEVEL_IN_STRING", "NO_SMEE_SETUP", "GH_ORG"]);
/** Shorter names are near too many words. */
const MIN_LENGTH = 5;
const LONG = 8;

/** Finds variables whose names are nearly those of ours, which would be ignored without a word. */
export function findMisspelt(env: NodeJS.ProcessEnv): Misspelt[] {
  return Object.keys(env).flatMap((name) => {
    if (!env[name] || OURS.includes(name) || OTHERS.has(name) || name.length < MIN_LENGTH) return [];
    const meant = OURS.find((ours) => isNear(name, ours) && !env[ours]);
    return meant ? [{ name, meant }] : [];
  });
}

function isNear(name: string, ours: string): boolean {
  if (bare(name) === bare(ours)) return true;
  const maxDistance = ours.length >= LONG ? 2 : 1;
  return leven(name, ours, { maxDistance: maxDistance + 1 }) <= maxDistance;
}

const bare = (name: string): string =>
  name
    .toUpperCase()
    .replace(/^LOCKSTEP_/, "")
    .replace(/[-_.]/g, "");
