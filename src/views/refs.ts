import { iso } from "../base/units.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { RefPlace, RepositoryListPorts } from "../http/repository-lists.js";
import type { RefView } from "../http/view.js";
import type { Holds } from "../refresh/holds.js";
import type { Registry } from "../registry/repositories.js";
import { provenAt } from "./freshness.js";

interface Ports {
  registry: Pick<Registry, "get" | "ref">;
  mirrors: Pick<Mirrors, "tips">;
  holds: Pick<Holds, "find">;
  hasMirror(id: number): boolean;
  customRefs: boolean;
  now(): number;
}

/** Shows the refs of one mirror to the operator, by pages. */
export function createRefViews(ports: Ports): RepositoryListPorts["refs"] {
  return async (id, { name, limit, after }) => {
    const tips = ports.hasMirror(id) ? await ports.mirrors.tips(id) : new Map<string, string>();
    const all = [...tips];
    const found = name === null ? all : all.filter(([ref]) => ref.includes(name));
    const from = after ? findPlace(found, after) : 0;
    const shown = found.slice(from, from + limit);
    const last = shown.at(-1);
    const since = last ? provenSince(ports, id) : 0;
    return {
      refs: shown.map(([ref, sha]) => ({ ref, sha, provenAt: provenLater(ports, id, ref, since) })),
      next: last && found.length > from + limit ? [last[0]] : null,
      total: found.length,
    };
  };
}

/** @returns the number of the first ref behind the place; git sorts refs by the bytes of their names */
function findPlace(refs: [ref: string, sha: string][], [after]: RefPlace): number {
  const place = Buffer.from(after);
  let [low, high] = [0, refs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.from(refs[middle]![0]).compare(place) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function provenSince({ registry, customRefs, now }: Ports, id: number): number {
  const repository = registry.get(id);
  return (repository && provenAt(repository, { customRefs, now: now() })) ?? 0;
}

/** By GitHub's clock: when the push was made, or GitHub was asked. When the mirror moved proves nothing. */
function provenLater(
  { registry, holds }: Ports,
  id: number,
  ref: string,
  since: number,
): RefView["provenAt"] {
  const at = registry.ref(id, ref).pushedAt * 1000;
  return at > since && holds.find(id, ref) === null ? iso(at) : null;
}
