import { expect, test } from "vitest";
import type { RefreshView } from "../../../src/http/log-view.js";
import { apiPorts } from "../../support/api.js";
import { startPage } from "../../support/page.js";

const refresh = (minute: number, more: Partial<RefreshView>): RefreshView => ({
  ...{ endedAt: `2024-01-01T00:0${minute}:00.000Z`, durationMs: 9, lagMs: 40, trigger: "push", attempt: 0 },
  ...{ result: "updated", reason: null, way: "word", changed: 1 },
  ...more,
});

async function pageOf(refreshes: RefreshView[]): Promise<string> {
  const { get, signIn } = await startPage({ ports: { ...apiPorts(), refreshes: () => refreshes } });
  return (await get("/repos/acme/site", await signIn())).text();
}

test("the lag of the last pushes is a chart with its text, and a table", async () => {
  const text = await pageOf([
    refresh(4, { lagMs: 900, result: "timeout", reason: "too slow" }),
    refresh(3, { trigger: "backstop", lagMs: 7_000 }),
    refresh(2, { lagMs: 80 }),
    refresh(1, { lagMs: 41 }),
  ]);
  expect(text).toContain('aria-label="Lag of the last 3 pushes: 41 ms median, 80 ms at most, 1 failed"');
  expect([...text.matchAll(/<title>(\d\d:\d\d UTC: [^<]+)/g)].map(([, title]) => title)).toEqual([
    "00:01 UTC: 41 ms",
    "00:02 UTC: 80 ms",
    "00:04 UTC: 900 ms, failed",
  ]);
  expect(text.match(/<path class="(bar|fault)" d="[^"]+"/g)).toHaveLength(2);
  expect(text.match(/<rect x="\d+" width="20" height="120"><title>/g)).toHaveLength(3);
  expect(text).toContain("Lag of the last pushes, newest first");
});

test("a repository that nobody has pushed to has no such chart", async () => {
  expect(await pageOf([refresh(1, { trigger: "onboard" })])).not.toContain("Lag of the last pushes");
});
