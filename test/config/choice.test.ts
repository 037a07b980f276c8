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

const properties = { tier: ["1"], team: ["web", "docs team"] };
const TAGGED = { ...APP, properties } as const;
const UNTAGGED = { ...APP, properties: {} } as const;

test.each([
  ["property:tier=1", [true, false, null]],
  ["property:tier=1,property:tier=2", [true, false, null]],
  ["property:tier=2", [false, false, null]],
  ["property:tier=1,property:team=docs team", [true, false, null]],
  ["property:tier=1,property:team=api", [false, false, null]],
  ["!property:tier=1", [false, true, null]],
  ["property:constructor=1", [false, false, null]],
  ["property:tier=1,archived", [false, false, false]],
  ["property:tier=1,topic:docs", [true, false, null]],
])(
  "%s chooses by custom properties, and decides nothing that depends on what GitHub does not say",
  (text, chosen) => {
    const choice = parseChoice(text)!;
    expect([TAGGED, UNTAGGED, APP].map(choice.byTraits)).toEqual(chosen);
    expect(choice.asksForProperties).toBe(true);
  },
);

test.each([
  "",
  "acme",
  "property:tier",
  "property:tier=",
  "property:a b=1",
  'property:tier="',
  "topic:",
  "topic:Docs",
  "visibility:secret",
  "!!archived",
  "size:big",
])("%j is refused", (text) => {
  expect(parseChoice(text)).toBe(null);
});
