import type { Random } from "../../../tools/random.js";
import { type RefUpdate, ZERO } from "../../../tools/standin/index.js";
import type { Act, Life } from "./population.js";

/** `a` and `a/b` cannot both exist, because one is a directory of the other. */
const BRANCHES = ["main", "dev", "a", "a/b", "a/b/c", "release/1"].map((name) => `refs/heads/${name}`);
const TAGS = ["v1", "v2", "v3", "v4", "v5"].map((name) => `refs/tags/${name}`);

const short = (ref: string): string => ref.replace(/^refs\/(heads|tags)\//, "");
const isBranch = (ref: string): boolean => ref.startsWith("refs/heads/");
const clash = (a: string, b: string): boolean => a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
const defaultRef = ({ repo }: Life): string => `refs/heads/${repo.defaultBranch}`;

/** Returns the refs that a push may create in addition to the present ones. */
const possible = (life: Life, refs: string[]): string[] =>
  refs.filter((ref) => ![...life.refs.keys()].some((other) => clash(ref, other)));

const hasCommits = ({ commits }: Life): boolean => commits.length > 0;

export const refActs: Act[] = [
  {
    weight: 34,
    async act(population) {
      const life = population.any()!;
      const ref = population.random.pick(possible(life, [...BRANCHES, defaultRef(life)]))!;
      return population.pushed(life, [await population.standin.commit(life.repo, short(ref))]);
    },
  },
  {
    weight: 14,
    async act(population) {
      const { standin, random } = population;
      const life = population.any();
      const ref = life && random.pick([...life.refs.keys()].filter(isBranch));
      if (!ref) return null;
      const to = random.chance(0.3) ? { orphan: true as const } : random.pick(life.commits)!;
      if (to === life.refs.get(ref)) return null;
      return population.pushed(life, [await standin.forcePush(life.repo, short(ref), to)]);
    },
  },
  {
    weight: 8,
    async act(population) {
      const { standin, random } = population;
      const life = population.any(hasCommits);
      const tag = life && random.pick(TAGS.filter((ref) => !life.refs.has(ref)));
      if (!tag) return null;
      const options = { annotated: random.chance(0.5), at: random.pick(life.commits)! };
      return population.pushed(life, [await standin.createTag(life.repo, short(tag), options)]);
    },
  },
  {
    weight: 12,
    async act(population) {
      const life = population.any();
      const ref =
        life && population.random.pick([...life.refs.keys()].filter((it) => it !== defaultRef(life)));
      return ref ? population.pushed(life, [await population.standin.deleteRef(life.repo, ref)]) : null;
    },
  },
  {
    weight: 10,
    async act(population) {
      const life = population.any(hasCommits);
      const updates = life ? severalUpdates(life, population.random) : [];
      return updates.length > 0
        ? population.pushed(life!, await population.standin.updateRefs(life!.repo, updates))
        : null;
    },
  },
];

/** Creates, moves or deletes up to eight refs in one push. */
function severalUpdates(life: Life, random: Random): RefUpdate[] {
  const updates: RefUpdate[] = [];
  const all = random.shuffled([...BRANCHES, ...TAGS]).slice(0, 2 + random.below(7));
  for (const ref of possible(life, all)) {
    if (updates.some((update) => clash(update.ref, ref))) continue;
    const before = life.refs.get(ref) ?? ZERO;
    const goes = before !== ZERO && ref !== defaultRef(life) && random.chance(0.3);
    const after = goes ? ZERO : random.pick(life.commits)!;
    if (after !== before) updates.push({ ref, before, after });
  }
  return updates;
}
