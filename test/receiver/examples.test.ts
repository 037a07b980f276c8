import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ZERO } from "../../src/base/model.js";
import type { Decision } from "../../src/deliveries/decisions.js";
import { toIntent } from "../../src/deliveries/events.js";
import { deliver, type Harness, startReceiver } from "../support/receiver.js";

interface Push {
  ref: string;
  before: string;
  after: string;
  forced: boolean;
  repository: { id: number; full_name: string; pushed_at: number };
  installation?: { id: number };
}
type Example = { name: string; examples: Record<string, unknown>[] };

const require = createRequire(import.meta.url);
const SETS = ["api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"];
const load = (set: string) => require(`@octokit/webhooks-examples/${set}/index.json`) as Example[];
const pushesOf = (set: string) =>
  load(set).find(({ name }) => name === "push")!.examples as unknown as Push[];

let harness: Harness;
beforeAll(async () => {
  harness = await startReceiver();
});
afterAll(() => harness.close());

const letAll = { repositories: () => true, refs: () => true, wikis: true };
const asRequest = (decision: Decision) => {
  if (decision.kind !== "request") throw new Error(`not a request: ${decision.reason}`);
  return decision;
};

describe.each(SETS)("the push examples of %s", (set) => {
  it("exist", () => expect(pushesOf(set).length).toBeGreaterThan(0));

  it.each(pushesOf(set).map((push, index) => [index, push] as const))("%i", async (_, push) => {
    const decision = asRequest(toIntent({ id: "x", name: "push", payload: push, receivedAt: 0 }, letAll));
    expect(decision.subject).toEqual({ kind: "repository", id: push.repository.id });
    expect(decision.repository).toEqual({ owner: "Codertocat", name: "Hello-World" });
    expect(decision.installationId).toBe(push.installation?.id);
    expect(decision.intent).toEqual({
      trigger: "push",
      full: false,
      hints: [
        {
          ref: push.ref,
          before: push.before,
          after: push.after,
          pushedAt: push.repository.pushed_at,
          forced: push.forced || push.after === ZERO,
        },
      ],
    });
    expect([push.before, push.after]).toContain(ZERO);

    const before = harness.accepted.length;
    const answer = await deliver(harness.port, JSON.stringify(push));
    expect(answer.status).toBe(202);
    expect(harness.accepted.slice(before)).toMatchObject([{ decision }]);
  });
});

it("every example of every event is accepted or ignored with a reason, never refused", async () => {
  for (const { name, examples } of SETS.flatMap(load)) {
    for (const payload of examples) {
      const { status } = await deliver(harness.port, JSON.stringify(payload), { "x-github-event": name });
      expect([202, 204], name).toContain(status);
    }
  }
  const reasons = new Set(harness.ignored.map(({ reason }) => reason));
  expect(reasons).toContain("nothing to do for ping");
  const known = /^(nothing to do for |WIKIS is not set$|pull_request \w+ does not change any ref$)/;
  expect([...reasons].filter((reason) => !known.test(reason))).toEqual([]);
});
