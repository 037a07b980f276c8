import { createRequire } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { writePretty } from "../../src/log/pretty.js";
import { writeTogether } from "../../src/log/together.js";

/** The pino that Probot's logger is made of. */
const pino = createRequire(import.meta.resolve("probot"))("pino") as (
  options: object,
  stream: { write(text: string): void },
) => { info(fields: object, message: string): void; child(fields: object): { info(message: string): void } };

const exits = new Set(process.listeners("exit"));
afterEach(() => {
  for (const listener of process.listeners("exit")) if (!exits.has(listener)) process.off("exit", listener);
});

/** A logger of pino's, and what its stream was given, each time. */
function open() {
  const written: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (text) => void written.push(text) });
  return { log, written };
}

it("writes the lines of one turn at once, also those of loggers made before, in their order", async () => {
  const { log, written } = open();
  const child = log.child({ name: "http" });
  writeTogether(child);
  log.info({ event: "refreshed" }, "one");
  child.info("two");
  log.child({}).info("three");
  expect(written).toEqual([]);
  await turn();
  expect(written).toHaveLength(1);
  const lines = written[0]!.trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(["one", "two", "three"]);
  child.info("four");
  await turn();
  expect(written).toHaveLength(2);
});

it("keeps a line for each call in text, too", async () => {
  const { log, written } = open();
  writePretty(log);
  writeTogether(log);
  log.info({}, "one");
  log.info({}, "two");
  await turn();
  expect(written).toEqual(["INFO: one\nINFO: two\n"]);
});

it("writes what is left when the process exits", () => {
  const { log, written } = open();
  writeTogether(log);
  log.info({}, "the last one");
  for (const listener of process.listeners("exit"))
    if (!exits.has(listener)) (listener as (code: number) => void)(0);
  expect(written.join("")).toContain("the last one");
});

it("leaves a logger alone that is not pino's", () => {
  const log = { info() {} };
  writeTogether(log);
  expect(Reflect.ownKeys(log)).toEqual(["info"]);
});
