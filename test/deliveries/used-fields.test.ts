import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { parseJson } from "../../src/base/large-json.js";
import { eventNamed, toIntent } from "../../src/deliveries/events.js";
import { aboutOf, actionOf, USED_FIELDS } from "../../src/deliveries/payload.js";

type Example = { name: string; examples: Record<string, unknown>[] };

const examples = createRequire(import.meta.url)(
  "@octokit/webhooks-examples/api.github.com/index.json",
) as Example[];
const letAll = { repositories: () => true, refs: () => true, wikis: true };
const PADDING = "x".repeat(2 ** 20);

/** Everything that Lockstep takes from a payload. */
const taken = (name: string, payload: unknown) => ({
  ...{ action: actionOf(payload), about: aboutOf(payload) },
  decision: toIntent({ id: "x", name, payload, receivedAt: 0 }, letAll),
});

test("a payload of which only the used fields are left says the same, for each event that Lockstep acts on", async () => {
  // The pages of a wiki are a list, of which nothing is left: then every ref is compared once.
  const used = examples.filter(({ name }) => eventNamed(name) && name !== "gollum");
  for (const { name, examples: payloads } of used) {
    const payload = payloads[0]!;
    const large = Buffer.from(JSON.stringify({ ...payload, padding: PADDING }));
    expect(taken(name, await parseJson(large, { fields: USED_FIELDS })), name).toEqual(taken(name, payload));
  }
});
