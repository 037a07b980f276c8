import { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { deliveryOf } from "../request.js";
import type { Json, Target } from "../target.js";

/** Values of every type; whichever is not the field's own type is wrong there. `undefined` leaves the field out. */
const VALUES: unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  "",
  "0",
  "../../../etc/passwd",
  "refs/heads/../../x",
  "\u0000\u001b[31m\r\n",
  "\ud800",
  "x".repeat(5_000),
  [],
  [[]],
  {},
  { id: "1" },
];

/** Events that lead to a request get each value in each field, the others one value in each. */
const ACTED_ON =
  /^(?:push|repository|pull_request|installation|installation_repositories|installation_target)$/;

interface Variant {
  event: string;
  payload: Json;
  path: string[];
  value: unknown;
}

/** Each field of each event, in an order of the seed's; a list of some 35,000. */
const lists = new WeakMap<Target, Variant[]>();

function variantsOf(target: Target): Variant[] {
  const known = lists.get(target);
  if (known) return known;
  // The order is the same in every run, so that a request depends on nothing but its number.
  const random = new Random(target.examples.length);
  const made = [{ name: "push", examples: [target.genuine.live] }, ...target.examples].flatMap(
    ({ name, examples }) => fieldsOf(examples).flatMap((field) => variants(random, name, field)),
  );
  const list = random.shuffled(made);
  lists.set(target, list);
  return list;
}

interface Field {
  payload: Json;
  path: string[];
}

const variants = (random: Random, event: string, { payload, path }: Field): Variant[] =>
  (ACTED_ON.test(event) ? VALUES : [one(random, VALUES)]).map((value) => ({ event, payload, path, value }));

/** Lists each field that one of an event's examples has, once; of a list only the first entry. */
function fieldsOf(examples: Json[]): Field[] {
  const found = new Map<string, Field>();
  const search = (payload: Json, value: unknown, path: string[]): void => {
    if (path.length > 0 && !found.has(path.join("."))) found.set(path.join("."), { payload, path });
    if (typeof value !== "object" || value === null) return;
    const keys = Array.isArray(value) ? Object.keys(value).slice(0, 1) : Object.keys(value);
    for (const key of keys) search(payload, (value as Json)[key], [...path, key]);
  };
  for (const payload of examples) search(payload, payload, []);
  return [...found.values()];
}

/** Returns a payload with another value at the path; what is beside the path is shared. */
function replaced(payload: Json, [key = "", ...rest]: string[], value: unknown): Json {
  const next = rest.length === 0 ? value : replaced(payload[key] as Json, rest, value);
  const copy = (Array.isArray(payload) ? [...payload] : { ...payload }) as Json;
  copy[key] = next;
  return copy;
}

export const FIELDS: Attack = {
  name: "fields",
  weight: 45,
  about: "each field of each event's example payload missing or of each wrong type",
  make(target, draw) {
    const list = variantsOf(target);
    const { event, payload, path, value } = list[draw.turn % list.length]!;
    const body = Buffer.from(JSON.stringify(replaced(payload, path, value)));
    const isVerified = draw.random.chance(0.7);
    const bytes = deliveryOf(target, draw, { event, body, isVerified });
    return { bytes, isVerified, expected: isVerified ? "answer" : "refusal", ending: "keep" };
  },
};
