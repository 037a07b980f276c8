import { expect, test } from "vitest";
import { findNeed } from "../../src/lifecycle/needs.js";
import type { ManagedRepository } from "../../src/registry/repositories.js";
import { openRegistry } from "../support/registry.js";

const HOUR_MS = 3_600_000;

/** A repository that was pushed to at second 1,000, as GitHub showed it at second 1,100. */
function known(changes: Partial<ManagedRepository> = {}): ManagedRepository {
  const { registry, add } = openRegistry();
  add(1, { owner: "acme", name: "app" });
  const fields = { state: "behind", pushedAt: 1_000, settledPushedAt: 1_000, answeredAt: 1_100, fullAt: 0 };
  return { ...(registry.get(1) as ManagedRepository), ...fields, ...changes } as ManagedRepository;
}

const need = (now: ManagedRepository, before: ManagedRepository | null, comparingMs: number | null) =>
  findNeed({ fullFetchIntervalMs: HOUR_MS, comparingMs: () => comparingMs, now: () => 0 }, now, before);

test("a repository that is behind needs a comparison, unless one goes on", () => {
  expect(need(known(), known(), null)).toBe("backstop");
  expect(need(known(), known(), 1_000)).toBeNull();
  expect(need(known({ state: "fresh" }), known({ state: "fresh" }), null)).toBeNull();
});

test.each([
  ["the push may have come after its question", { pushedAt: 1_090 }, {}, 5_000],
  ["it began long ago", {}, {}, 90_000],
  ["the default branch has moved", { defaultBranch: "next" }, {}, 1_000],
  ["the repository was gone until now", {}, { state: "gone" as const }, 1_000],
  ["the repository was not known before", {}, null, 1_000],
])("a comparison that goes on is not enough when %s", (_, now, before, comparingMs) => {
  expect(need(known(now), before && known(before), comparingMs)).toBe("backstop");
});
