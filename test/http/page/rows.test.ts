import { expect, test } from "vitest";
import { Strip } from "../../../src/http/page/rows.js";

const strip = (beats: ("good" | "none" | "bad")[]) => String(Strip({ of: { beats } }));

test("a strip has one path for each colour that it needs, and the newest refresh is at its right edge", () => {
  const same = strip(Array(30).fill("good"));
  expect(same.match(/<path/g)).toHaveLength(1);
  expect(same.length).toBeLessThan(550);
  const mixed = strip(["bad", "none", "good"]);
  expect(mixed).toContain('<path class="good" d="M145 8h3.6"/><path class="none" d="M140 11h3.6"/>');
  expect(mixed).toContain('<path class="bad" d="M135 8h3.6"/>');
  expect(mixed).toContain("3 refreshes, 1 of them failed");
});
