import { parseList, repositoryMatcher } from "../base/patterns.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import { byRepositoryName, isPatternOfRepositories } from "../base/wikis.js";

/** What REPOSITORIES chooses, by name and by what GitHub says of a repository. */
export interface Choice {
  /** Whether a repository of this `owner/name` may be chosen; a wiki is chosen with its repository. */
  byName(fullName: string): boolean;
  /**
   * Whether topics, visibility, the archive and custom properties let the repository be chosen. Null: that depends on
   * custom properties, which GitHub did not say.
   */
  byTraits(remote: Traits): boolean | null;
  /** Whether some term asks for a custom property. */
  readonly asksForProperties: boolean;
}

type Traits = Pick<RemoteRepository, "visibility" | "archived" | "topics" | "properties">;
/** Null: GitHub did not say. */
type Has = (remote: Traits) => boolean | null;

interface Term {
  /** Of the terms of one kind without `!`, one must hold. */
  kind: string;
  isExcluded: boolean;
  has: Has;
}

const EVERYTHING: Choice = { byName: () => true, byTraits: () => true, asksForProperties: false };

export const choiceOf = (choice: Choice | undefined): Choice => choice ?? EVERYTHING;

/** Parses REPOSITORIES. @returns null: an entry is neither a pattern of repositories nor a term */
export function parseChoice(text: string): Choice | null {
  const entries = parseList(text);
  const patterns = entries.filter((entry) => isPatternOfRepositories(entry));
  const terms = entries.filter((entry) => !isPatternOfRepositories(entry)).map(parseTerm);
  const known = terms.filter((term) => term !== null);
  if (entries.length === 0 || known.length < terms.length) return null;
  return {
    byName: byRepositoryName(repositoryMatcher(patterns)),
    byTraits: traitMatcher(known),
    asksForProperties: known.some(({ kind }) => kind.startsWith(PROPERTY)),
  };
}

const PROPERTY = "property:";

/**
 * The name of a property has at most 75 of these characters, and a value at most 75 of printable ASCII without `"`:
 * https://docs.github.com/en/organizations/managing-organization-settings/managing-custom-properties-for-repositories-in-your-organization
 */
const PROPERTY_TERM = /^property:([\w$#-]{1,75})=([\x20\x21\x23-\x7e]{1,75})$/;

function parseTerm(entry: string): Term | null {
  const isExcluded = entry.startsWith("!");
  const text = isExcluded ? entry.slice(1) : entry;
  const property = PROPERTY_TERM.exec(text);
  if (property) return propertyTerm(property, isExcluded);
  const [, kind = "", value = ""] = /^(topic|visibility):([a-z\d-]+)$/.exec(text) ?? [];
  if (text === "archived") return { kind: text, isExcluded, has: ({ archived }) => archived === true };
  if (kind === "topic") return { kind, isExcluded, has: ({ topics }) => topics?.includes(value) ?? false };
  if (kind === "visibility" && ["public", "private", "internal"].includes(value))
    return { kind, isExcluded, has: ({ visibility }) => visibility === value };
  return null;
}

/** Each property is a kind by itself: `property:tier=1,property:team=web` asks for both. */
function propertyTerm([, name = "", value = ""]: readonly string[], isExcluded: boolean): Term {
  const has: Has = ({ properties }) =>
    properties ? Object.hasOwn(properties, name) && properties[name]!.includes(value) : null;
  return { kind: `${PROPERTY}${name}`, isExcluded, has };
}

/** Of each kind of term without `!` one must hold, and no term with `!`. Topics that GitHub does not say hold for none. */
function traitMatcher(terms: readonly Term[]): Has {
  const excluded = terms.filter(({ isExcluded }) => isExcluded);
  const included = terms.filter(({ isExcluded }) => !isExcluded);
  const kinds = [...new Set(included.map(({ kind }) => kind))];
  const ofKinds = kinds.map((kind) => included.filter((term) => term.kind === kind));
  return (remote) => {
    const answers = ofKinds.map((ofKind) => anyOf(ofKind.map(({ has }) => has(remote))));
    const refused = anyOf(excluded.map(({ has }) => has(remote)));
    return not(anyOf([...answers.map(not), refused]));
  };
}

/** Whether one holds; null: that depends on what is not known. */
function anyOf(answers: readonly (boolean | null)[]): boolean | null {
  if (answers.includes(true)) return true;
  return answers.includes(null) ? null : false;
}

const not = (answer: boolean | null): boolean | null => (answer === null ? null : !answer);
