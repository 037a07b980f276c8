import type { RemoteRepository } from "../base/model.js";
import { isRepositoryPattern, parseList, repositoryMatcher } from "../base/patterns.js";

/** What REPOSITORIES chooses, by name and by what GitHub says of a repository. */
export interface Choice {
  /** Whether a repository of this `owner/name` may be chosen. */
  byName(fullName: string): boolean;
  /** Whether topics, visibility and the archive let the repository be chosen. */
  byTraits(remote: Traits): boolean;
}

type Traits = Pick<RemoteRepository, "visibility" | "archived" | "topics">;
type Has = (remote: Traits) => boolean;

interface Term {
  kind: string;
  isExcluded: boolean;
  has: Has;
}

const EVERYTHING: Choice = { byName: () => true, byTraits: () => true };

export const choiceOf = (choice: Choice | undefined): Choice => choice ?? EVERYTHING;

/** Parses REPOSITORIES. @returns null: an entry is neither a pattern nor a term */
export function parseChoice(text: string): Choice | null {
  const entries = parseList(text);
  const patterns = entries.filter((entry) => isRepositoryPattern(entry));
  const terms = entries.filter((entry) => !isRepositoryPattern(entry)).map(parseTerm);
  const known = terms.filter((term) => term !== null);
  if (entries.length === 0 || known.length < terms.length) return null;
  return { byName: repositoryMatcher(patterns), byTraits: traitMatcher(known) };
}

function parseTerm(entry: string): Term | null {
  const isExcluded = entry.startsWith("!");
  const text = isExcluded ? entry.slice(1) : entry;
  const [, kind = "", value = ""] = /^(topic|visibility):([a-z\d-]+)$/.exec(text) ?? [];
  if (text === "archived") return { kind: text, isExcluded, has: ({ archived }) => archived === true };
  if (kind === "topic") return { kind, isExcluded, has: ({ topics }) => topics?.includes(value) ?? false };
  if (kind === "visibility" && ["public", "private", "internal"].includes(value))
    return { kind, isExcluded, has: ({ visibility }) => visibility === value };
  return null;
}

/** Of each kind of term without `!` one must hold, and no term with `!`. What GitHub does not say holds for none. */
function traitMatcher(terms: readonly Term[]): Has {
  const excluded = terms.filter(({ isExcluded }) => isExcluded);
  const included = terms.filter(({ isExcluded }) => !isExcluded);
  const kinds = [...new Set(included.map(({ kind }) => kind))];
  return (remote) =>
    kinds.every((kind) => included.some((term) => term.kind === kind && term.has(remote))) &&
    !excluded.some(({ has }) => has(remote));
}
