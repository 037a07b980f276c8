import { expect, test } from "vitest";
import { markOfData, textOf } from "../../../src/http/page/data.js";

/** Counts how often it is written as text. */
const counting = () => {
  let written = 0;
  const toJSON = () => {
    written += 1;
    return { id: 7 };
  };
  return { data: { toJSON }, written: () => written };
};

test("what is frozen is written once, also in a list, and what may change is written each time", () => {
  const [kept, changing] = [counting(), counting()];
  Object.freeze(kept.data);
  for (let n = 0; n < 3; n++) expect(textOf([kept.data, changing.data])).toBe('[{"id":7},{"id":7}]');
  expect([kept.written(), changing.written()]).toEqual([1, 3]);
});

test("a list that has changed has another mark", () => {
  const rows = [{ id: 1 }];
  const before = markOfData(rows);
  expect(markOfData([{ id: 1 }])).toBe(before);
  rows.push({ id: 2 });
  expect(markOfData(rows)).not.toBe(before);
  expect(markOfData([[1, undefined], null])).not.toBe(markOfData([[1], null]));
});
