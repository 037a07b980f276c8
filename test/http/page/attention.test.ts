import { expect, test } from "vitest";
import { TITLES } from "../../../src/http/page/attention.js";
import { PROBLEM_CODES } from "../../../src/watch/problems.js";

test("the page has a title for every problem, and for no other", () => {
  expect(Object.keys(TITLES).sort()).toEqual([...PROBLEM_CODES].sort());
});
