import fc from "fast-check";
import { expect, test } from "vitest";
import type { Level } from "../../src/alerts/condition.js";
import { type AlertState, INITIAL, observe } from "../../src/alerts/decide.js";

const DELAY = 300;
const at = (state: AlertState, level: Level, now: number) =>
  observe(state, { level, text: level }, { now, delayMs: DELAY, newId: () => `id-${now}` });
const sent = (state: AlertState): AlertState => ({ ...state, message: null });

test("a condition is told once it has held for the delay, and once only", () => {
  const begun = at(INITIAL, "not_fresh", 1_000);
  expect(begun.message).toBe(null);
  expect(at(begun, "not_fresh", 1_299).message).toBe(null);
  const told = at(begun, "not_fresh", 1_300);
  expect(told.message).toMatchObject({ id: "id-1300", text: "not_fresh", attempt: 0, dueAt: 1_300 });
  expect(at(sent(told), "not_fresh", 9_000)).toEqual(sent(told));
});

test("what comes and goes within the delay is not told", () => {
  let state = INITIAL;
  for (let now = 0; now < 10_000; now += 200) state = at(state, now % 400 ? "attention" : "well", now);
  expect(state.message).toBe(null);
});

test("a message that nobody has got is dropped when all is as it was told, and replaced by a newer one", () => {
  const told = at(at(INITIAL, "attention", 0), "attention", DELAY);
  const well = at(at(told, "well", 400), "well", 700);
  expect(well).toEqual(INITIAL);
  const worse = at(at(told, "not_fresh", 400), "not_fresh", 700);
  expect(worse.message).toMatchObject({ text: "not_fresh", before: "well" });
});

test("a clock that was wrong delays nothing for longer than the delay", () => {
  const begun = at(INITIAL, "attention", 1_000_000);
  const back = at(begun, "attention", 1_000);
  expect(at(back, "attention", 1_300).message).not.toBe(null);
});

test("property: receivers end up knowing every level that lasts, and are never told the same twice in a row", () => {
  const levels = fc.constantFrom<Level>("well", "attention", "not_fresh");
  const steps = fc.array(fc.record({ level: levels, waits: fc.nat(500), accepts: fc.boolean() }));
  fc.assert(
    fc.property(steps, levels, (all, last) => {
      let [state, now] = [INITIAL, 0];
      const heard: string[] = ["well"];
      const look = (level: Level, accepts: boolean) => {
        state = JSON.parse(JSON.stringify(at(state, level, now))) as AlertState;
        if (!state.message || !accepts) return;
        heard.push(state.message.text);
        state = sent(state);
      };
      for (const { level, waits, accepts } of all) {
        now += waits;
        look(level, accepts);
      }
      look(last, true);
      now += DELAY;
      look(last, true);
      expect(heard.at(-1)).toBe(last);
      for (const [n, text] of heard.entries()) expect(text).not.toBe(heard[n + 1]);
    }),
  );
});
