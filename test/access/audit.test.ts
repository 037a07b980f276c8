import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { type Act, AUDIT_TABLES, createAudit } from "../../src/access/audit.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

const ACT: Act = { token: "ci", via: "api", action: "refresh", subject: "acme/app" };

function open(kept?: number, dir = tempDir()) {
  const clock = { now: 1_000 };
  const store = openStore(dir, [AUDIT_TABLES]);
  onTestFinished(() => store.close());
  const audit = createAudit(store, () => clock.now, kept);
  const all = () => audit.page({ limit: 1_000, after: null }).entries;
  return { dir, store, clock, audit, all };
}

test("an action is on disk before it begins, and has its result soon after it has ended", async () => {
  const { dir, store, audit, all } = open();
  const [id, other] = [audit.begin(ACT), audit.begin(ACT)];
  expect(all().map(({ status }) => status)).toEqual([null, null]);
  audit.end(id, { detail: "refs/heads/main", status: 202 });
  expect(all()[1]).toEqual({ ...ACT, id, at: 1_000, detail: "refs/heads/main", status: 202 });
  audit.end(other, { detail: null, status: 409 });
  await nextTurn();
  store.close();
  expect(
    open(10, dir)
      .all()
      .map(({ status }) => status),
  ).toEqual([409, 202]);
});

test("pages are newest first", () => {
  const { audit } = open();
  for (const action of ["a", "b", "c"]) audit.begin({ ...ACT, action });
  const first = audit.page({ limit: 2, after: null });
  expect(first.entries.map(({ action }) => action)).toEqual(["c", "b"]);
  const second = audit.page({ limit: 2, after: first.next });
  expect([second.entries.map(({ action }) => action), second.next]).toEqual([["a"], null]);
});

test("the number of entries is bounded, and whoever acts most pushes out only its own", () => {
  const { audit, all } = open(10);
  audit.begin({ ...ACT, token: "thief", action: "restore" });
  audit.begin({ ...ACT, token: "API_TOKEN", action: "tokens add" });
  for (let n = 0; n < 100; n++) audit.begin({ ...ACT, token: "noise" });
  expect(all()).toHaveLength(10);
  expect(
    all()
      .slice(-2)
      .map(({ token }) => token),
  ).toEqual(["API_TOKEN", "thief"]);
});

test("what a stranger sends is cut, and a result that cannot be written does not fail the action", () => {
  const { store, audit, all } = open();
  const id = audit.begin({ ...ACT, subject: "x".repeat(100_000) });
  audit.end(id, { detail: "y".repeat(100_000), status: 404 });
  expect([all()[0]!.subject.length, all()[0]!.detail!.length]).toEqual([500, 500]);
  store.close();
  expect(() => audit.end(id, { detail: null, status: 200 })).not.toThrow();
  expect(() => audit.begin(ACT)).toThrow();
});
