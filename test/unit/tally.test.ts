import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Facts } from "../../src/facts.js";
import { createTally } from "../../src/tally.js";
import { tempDir } from "../support/temp.js";

function setup() {
  const file = join(tempDir(), "repos", ".tally");
  const values = new Map<string, unknown>();
  const facts = {
    get: (name: string) => values.get(name) ?? null,
    set: (name: string, value: unknown) => void values.set(name, value),
  } as Facts;
  return { file, values, tally: createTally(file, facts) };
}

test("database and mirrors are of one time, at first and after every pass", () => {
  const { tally } = setup();
  expect(tally.matches()).toBe(true);
  for (let pass = 0; pass < 3; pass++) {
    tally.next();
    expect(tally.matches()).toBe(true);
  }
});

test("killed between the two writes they still are", () => {
  const { tally, values } = setup();
  tally.next();
  values.set("tally", ["written-but-not-in-the-file", ...(values.get("tally") as string[])]);
  expect(tally.matches()).toBe(true);
});

test("one of them from another time, or lost, is found", () => {
  const { tally, values, file } = setup();
  tally.next();
  const before = values.get("tally");
  for (let pass = 0; pass < 2; pass++) tally.next();
  const now = values.get("tally");
  values.set("tally", before);
  expect(tally.matches()).toBe(false);
  values.delete("tally");
  expect(tally.matches()).toBe(false);
  values.set("tally", now);
  expect(tally.matches()).toBe(true);
  writeFileSync(file, "");
  expect(tally.matches()).toBe(false);
});
