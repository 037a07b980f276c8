import type { Scope, ScopeOf } from "../base/model.js";
import { fullName } from "../base/names.js";
import { matchesPattern } from "../base/patterns.js";
import type { Selection } from "../config/checkouts.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";

interface Tools {
  registry: Pick<Registry, "get">;
  refspecs: readonly string[];
  checkouts: Selection;
}

/**
 * Computes the scope of each mirror. The scope is all of REFSPECS, unless every checkout of the repository
 * needs only some commits: then it is that many commits of the published refs. Likewise the scope has all
 * contents, or only the published ones.
 */
export function createScopes({ registry, refspecs, checkouts }: Tools): ScopeOf {
  const whole: Scope = { refspecs, depth: null, filter: null };
  const known = new Map<string, Scope>();

  function scopeFor(repository: ManagedRepository): Scope {
    const wanted = checkouts(fullName(repository));
    const depths = wanted.flatMap(({ depth }) => depth ?? []);
    if (wanted.length === 0) return whole;
    const filter = wanted.every((one) => one.filter !== null) ? wanted[0]!.filter : null;
    if (depths.length < wanted.length) return { ...whole, filter };
    const refs = wanted.map(({ ref }) => ref ?? `refs/heads/${repository.defaultBranch}`);
    const inside = [...new Set(refs)].filter((ref) => matchesPattern(ref, refspecs));
    return { refspecs: inside, depth: Math.max(...depths), filter };
  }

  return (id) => {
    const repository = checkouts.narrows ? registry.get(id) : null;
    if (!repository) return whole;
    const key = `${fullName(repository)} ${repository.defaultBranch}`;
    const scope = known.get(key) ?? scopeFor(repository);
    known.set(key, scope);
    return scope;
  };
}
