import { expect, test } from "vitest";
import { parseCheckouts } from "../../src/config/checkouts.js";
import { createScopes } from "../../src/refresh/scope.js";
import type { ManagedRepository } from "../../src/registry/repositories.js";

const refspecs = ["refs/heads/*", "refs/tags/*"];

function scopeOf(checkouts: string) {
  const repository = { owner: "acme", name: "app", defaultBranch: "main" } as ManagedRepository;
  return createScopes({
    refspecs,
    checkouts: parseCheckouts(checkouts)!,
    registry: { get: () => repository },
  })(1);
}

const WHOLE = { refspecs, depth: null, filter: null };

test.each([
  ["acme/app", WHOLE],
  ["other/app?depth=1&filter=blob:none", WHOLE],
  ["acme/app?depth=3", { refspecs: ["refs/heads/main"], depth: 3, filter: null }],
  ["acme/app?filter=blob:none", { ...WHOLE, filter: "blob:none" }],
  ["acme/app?filter=blob:none,acme/app@side", WHOLE],
  ["acme/app?filter=blob:none,acme/app@side?depth=1", WHOLE],
  ["acme/app?filter=blob:none,acme/app@side?depth=1&filter=blob:none", { ...WHOLE, filter: "blob:none" }],
  [
    "acme/app?depth=2&filter=blob:none,acme/app@side?depth=5",
    { refspecs: ["refs/heads/main", "refs/heads/side"], depth: 5, filter: null },
  ],
  [
    "acme/app?depth=2&filter=blob:none,acme/app@refs/notes/x?depth=5&filter=blob:none",
    { refspecs: ["refs/heads/main"], depth: 5, filter: "blob:none" },
  ],
])("with CHECKOUTS=%s a mirror has what every checkout of it can do with", (checkouts, scope) => {
  expect(scopeOf(checkouts)).toEqual(scope);
});
