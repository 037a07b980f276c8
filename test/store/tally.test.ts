import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Facts } from "../../src/store/facts.js";
import { createTally } from "../../src/store/tally.js";
import { tempDir } from "../support/temp.js";

function setup() {
  const file = join(tempDir(), "repos", ".tally");
  const values = new Map<string, unknown>();
  const facts = {
    get: (name: string) => values.get(name) ?? null,
    set: (name: string, value: unknown) => void values.set(name, value),
  } as Facts;
  const warned: string[] = [];
  const log = { warn: (_: object, message: string) => void warned.push(message) };
  return { file, values, facts, warned, tally: createTally(file, facts, log) };
}

test("database and mirrors are from the same time, at first and after every pass", () => {
  const { tally } = setup();
  expect(tally.matches()).toBe(true);
  for (let pass = 0; pass < 3; pass++) {
    tally.next();
    expect(tally.matches()).toBe(true);
  }
});

test("after a kill between the two writes they still are", () => {
  const { tally, values } = setup();
  tally.next();
  values.set("tally", ["written-but-not-in-the-file", ...(values.get("tally") as string[])]);
  expect(tally.matches()).toBe(true);
  tally.next();
  expect(tally.matches()).toBe(true);
});

test("a database or mirrors from another time, or lost, are found", () => {
  const { tally, values, file } = setup();
  tally.next();
  const before = values.get("tally");
  const old = readFileSync(file, "utf8");
  tally.next();
  const now = values.get("tally");
  values.set("tally", before);
  expect(tally.matches()).toBe(false);
  values.delete("tally");
  expect(tally.matches()).toBe(false);
  values.set("tally", now);
  expect(tally.matches()).toBe(true);
  writeFileSync(file, old);
  expect(tally.matches()).toBe(false);
  writeFileSync(file, "");
  expect(tally.matches()).toBe(false);
});

test("a change writes a new tally, at most once a minute, and the end always does", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { tally, file } = setup();
  const word = () => readFileSync(file, "utf8");
  const words: string[] = [];
  tally.next();
  words.push(word());
  for (let change = 0; change < 9; change++) tally.changed();
  vi.advanceTimersByTime(59_000);
  expect(word()).toBe(words[0]);
  vi.advanceTimersByTime(1_000);
  words.push(word());
  vi.advanceTimersByTime(600_000);
  expect(word()).toBe(words[1]);
  tally.changed();
  vi.advanceTimersByTime(0);
  words.push(word());
  tally.changed();
  tally.close();
  words.push(word());
  vi.advanceTimersByTime(600_000);
  expect(word()).toBe(words[3]);
  expect(new Set(words).size).toBe(4);
  expect(tally.matches()).toBe(true);
});

test("a file that cannot be written is logged, and stops neither a pass nor the end", () => {
  const { tally, file, warned } = setup();
  mkdirSync(file, { recursive: true });
  tally.next();
  tally.close();
  expect(warned).toHaveLength(2);
  expect(warned[0]).toMatch(/^this file cannot be written/);
});

test("a database that fails ends a pass; at the end the failure is logged", () => {
  const { tally, facts, warned } = setup();
  facts.set = () => {
    throw new Error("disk full");
  };
  expect(tally.next).toThrow("disk full");
  tally.close();
  expect(warned).toHaveLength(1);
});
