import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LOG_EVENTS } from "../../src/base/log.js";
import { packageRoot } from "../../tools/package-root.js";

const root = packageRoot();
const events = Object.keys(LOG_EVENTS);

test("docs/logs.md has every event of the log once, with its meaning", () => {
  const [, table = ""] = readFileSync(join(root, "docs/logs.md"), "utf8").split("## Events");
  const rows = [...table.matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm)].map(([, event, meaning]) => [
    event,
    meaning,
  ]);
  expect(rows).toEqual(Object.entries(LOG_EVENTS));
});

test("every event is logged somewhere, and they are in order", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(join(root, "src", file), "utf8"))
    .join("\n");
  expect(events.filter((event) => !sources.includes(`event: "${event}"`))).toEqual([]);
  expect(events).toEqual(events.toSorted());
});
