import { expect, test } from "vitest";
import { createRefusedRefs, REFUSED_REF_TABLES } from "../../src/refresh/refused-refs.js";
import { openRegistry } from "../support/registry.js";

const refused = (...names: string[]) => names.map((ref) => ({ ref, reason: "too long" }));

test("a refresh settles the refs that it names, and a full comparison settles every ref", () => {
  const { store, add } = openRegistry(REFUSED_REF_TABLES);
  add(1, { owner: "acme", name: "app" });
  const refs = createRefusedRefs(store);
  expect(refs.failure(1)).toBeNull();
  refs.settle(1, refused("refs/heads/a", "refs/heads/b"), null);
  refs.settle(1, refused("refs/heads/c"), ["refs/heads/a", "refs/heads/c"]);
  expect(refs.failure(1)).toMatchObject({
    code: "ref_refused",
    message: "left out refs/heads/b: too long; refs/heads/c: too long",
  });
  refs.settle(1, [], ["refs/heads/b"]);
  expect(refs.failure(1)?.message).toBe("left out refs/heads/c: too long");
  refs.settle(1, [], null);
  expect(refs.failure(1)).toBeNull();
});

test("a repository's refused refs are bounded, and go with the repository", () => {
  const { store, registry, add } = openRegistry(REFUSED_REF_TABLES);
  add(1, { owner: "acme", name: "app" });
  const refs = createRefusedRefs(store);
  refs.settle(1, refused(...Array.from({ length: 3_000 }, (_, n) => `refs/heads/${n}`)), null);
  expect(refs.failure(1)?.message).toContain("; and 950 more");
  registry.forget(1);
  expect(refs.failure(1)).toBeNull();
});
