import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import type { Confirmations } from "./confirm.js";
import { grant } from "./confirmed.js";
import { type Finding, NO, type RightsPorts, UNAUTHORIZED } from "./ports.js";

interface Needs {
  ports: RightsPorts;
  confirmations: Confirmations;
}

/** Judges one of Lockstep's own tokens, by its scope and its patterns. */
export async function judgeToken(needs: Needs, secret: string, asked: RepositoryName): Promise<Finding> {
  const caller = needs.ports.findToken(secret);
  if (!caller?.scopes.includes("git")) return UNAUTHORIZED;
  // Before anything depends on what exists, so that a forbidden name is answered like an unknown one.
  if (caller.sees !== null && !caller.sees(fullName(asked))) return NO;
  const repository = needs.ports.find(asked);
  if (repository === null) return NO;
  const found = await grant(needs, repository, { asked, reader: caller.name });
  return caller.isValid() ? found : UNAUTHORIZED;
}
