import { expect, test } from "vitest";
import { parseChoice } from "../../src/config/choice.js";

const APP = { visibility: "private", archived: false, topics: ["docs", "web"] } as const;
const OLD = { ...APP, visibility: "public", archived: true, topics: [] } as const;
const UNKNOWN = { visibility: null, archived: null };

test.each([
  ["acme/*", [true, true, true]],
  ["topic:docs", [true, false, false]],
  ["topic:api,topic:docs", [true, false, false]],
  ["topic:docs,visibility:public", [false, false, false]],
  ["visibility:private,visibility:internal", [true, false, false]],
  ["archived", [false, true, false]],
  ["!archived", [true, false, true]],
  ["acme/*,!topic:web", [false, true, true]],
])("%s chooses by what GitHub says", (text, chosen) => {
  const { byTraits } = parseChoice(text)!;
  expect([byTraits(APP), byTraits(OLD), byTraits(UNKNOWN)]).toEqual(chosen);
});

test("patterns choose by name, and terms do not", () => {
  const { byName } = parseChoice("acme/*,!acme/secret,topic:docs")!;
  expect(["acme/app", "acme/secret", "globex/app"].map(byName)).toEqual([true, false, false]);
  expect(parseChoice("topic:docs")!.byName("globex/app")).toBe(true);
});

test.each(["", "acme", "topic:", "topic:Docs", "visibility:secret", "!!archived", "size:big"])(
  "%j is refused",
  (text) => {
    expect(parseChoice(text)).toBe(null);
  },
);
