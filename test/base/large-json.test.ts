import { expect, test } from "vitest";
import { parseJson } from "../../src/base/large-json.js";

const FIELDS = { ref: true, repository: { id: true, full_name: true } } as const;
const PADDING = "x".repeat(2 ** 20);
const asForm = (json: string) => Buffer.from(new URLSearchParams({ payload: json }).toString());

test("a small document is parsed at once, as it is", () => {
  expect(parseJson(Buffer.from('{"ref":"a","more":[1]}'), { fields: FIELDS })).toEqual({
    ref: "a",
    more: [1],
  });
});

test.each(["json", "form"])("of a large document (%s) the used fields come back", async (kind) => {
  const json = JSON.stringify({
    padding: PADDING,
    ref: "é",
    repository: { id: 1, full_name: "acme/app", x: 2 },
  });
  const isForm = kind === "form";
  const bytes = isForm ? asForm(json) : Buffer.from(json);
  expect(await parseJson(bytes, { fields: FIELDS, isForm })).toEqual({
    ref: "é",
    repository: { id: 1, full_name: "acme/app" },
  });
});

test("the event loop goes on while a large document is parsed", async () => {
  const bytes = Buffer.from(`[${"{},".repeat(5_000_000)}1]`);
  const turns = { count: 0 };
  const timer = setInterval(() => turns.count++, 1);
  const parsing = parseJson(bytes, { fields: FIELDS });
  // Not even the start of the thread is waited for.
  await new Promise(setImmediate);
  const before = turns.count;
  expect(await parsing).toEqual([]);
  clearInterval(timer);
  expect(turns.count).toBeGreaterThan(before);
});

test.each([
  ["a text that is far too long", { ref: PADDING }, { ref: PADDING.slice(0, 4_096) }],
  ["an object in place of a value", { ref: { a: 1 }, padding: PADDING }, { ref: {} }],
  ["a value in place of an object", { repository: 7, padding: PADDING }, { repository: 7 }],
  ["a list in place of an object", { repository: [1], padding: PADDING }, { repository: [] }],
  ["a field that only its prototype has", { padding: PADDING }, {}],
])("%s stays wrong", async (_, document, found) => {
  expect(await parseJson(Buffer.from(JSON.stringify(document)), { fields: FIELDS })).toEqual(found);
});

test.each([
  ["cut JSON", Buffer.from(`{"a":"${PADDING}`)],
  [
    "bytes that are not UTF-8",
    Buffer.concat([Buffer.from(`{"a":"${PADDING}`), Buffer.from([0xff]), Buffer.from('"}')]),
  ],
])("%s are no document", async (_, bytes) => {
  expect(await parseJson(bytes, { fields: FIELDS })).toBeUndefined();
});

test("a form without the field has no document", async () => {
  expect(await parseJson(Buffer.from(`a=${PADDING}`), { fields: FIELDS, isForm: true })).toBeUndefined();
});
