import { expect, onTestFinished, test } from "vitest";
import { wikiIdOf } from "../../src/base/wikis.js";
import { createDirectory, DIRECTORY_TABLES } from "../../src/cluster/directory.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

const HOUR_MS = 3_600_000;

function open() {
  const store = openStore(tempDir(), [DIRECTORY_TABLES]);
  onTestFinished(store.close);
  const clock = { now: 100 * HOUR_MS };
  return { directory: createDirectory(store, () => clock.now), clock };
}

const repository = (id: number, name = `app-${id}`) => ({
  id,
  installationId: 1,
  owner: "acme",
  name,
  defaultBranch: "main",
  pushedAt: 0,
  visibility: null,
  archived: null,
});

test("a name leads to the repository that was listed with it last, in any case", () => {
  const { directory } = open();
  directory.note([repository(1, "old"), repository(2)]);
  directory.note([repository(1, "new"), repository(3, "old")]);
  expect(directory.find({ owner: "ACME", name: "New" })).toBe(1);
  expect(directory.find({ owner: "acme", name: "old" })).toBe(3);
  expect(directory.find({ owner: "acme", name: "none" })).toBe(null);
});

test("what a complete list lacks has left, and counts if it was known for an hour", () => {
  const { directory, clock } = open();
  directory.note([1, 2].map((id) => repository(id)));
  directory.close(1, new Set([1, 2]));
  directory.note([3, 4].map((id) => repository(id)));
  clock.now += 2 * HOUR_MS;
  directory.note([repository(5)]);
  directory.close(1, new Set([1, 2]));
  expect(directory.countOf(1, clock.now - HOUR_MS)).toEqual({ managed: 2, left: 2 });
  expect(directory.countOf(null, clock.now - HOUR_MS)).toEqual({ managed: 2, left: 2 });
  expect(directory.countOf(2, 0)).toEqual({ managed: 0, left: 0 });
  expect(directory.countOf(1, clock.now)).toEqual({ managed: 2, left: 0 });
  directory.note([repository(3)]);
  expect(directory.countOf(1, 0)).toEqual({ managed: 3, left: 1 });
});

test("wikis are found, and do not count", () => {
  const { directory, clock } = open();
  const wiki = repository(wikiIdOf(1), "app-1.wiki");
  directory.note([repository(1), wiki]);
  expect(directory.find(wiki)).toBe(wiki.id);
  clock.now += 2 * HOUR_MS;
  directory.close(1, new Set());
  expect(directory.countOf(1, 0)).toEqual({ managed: 0, left: 1 });
});

test("of the first list of an installation nobody knows how old its repositories are", () => {
  const { directory, clock } = open();
  directory.note([repository(1)]);
  directory.note([repository(2), repository(3)]);
  directory.close(1, new Set([1, 2, 3]));
  directory.note([repository(4)]);
  expect([1, 3, 4, 5].map(directory.addedAt)).toEqual([0, 0, clock.now, null]);
  // A node that has just joined counts what disappears as the others do.
  directory.close(1, new Set([1]));
  expect(directory.countOf(1, clock.now - HOUR_MS)).toEqual({ managed: 1, left: 2 });
});
