import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { ApiPorts } from "../../../src/http/api.js";
import type { RankedView } from "../../../src/http/overview.js";
import { startPage } from "../../support/page.js";
import { sceneOf } from "../../support/scenes.js";

const VIEWS = [
  "/",
  "/repositories",
  "/repos/acme/web",
  "/deliveries",
  "/server",
  "/trends",
  "/audit",
  "/readers",
];

/** Returns the marks of a page's parts by their names. */
const marksOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/data-live="(\w+)" data-version="(\w+)"/g)].map(([, name, mark]) => [name!, mark!]),
  );
const sent = (marks: Record<string, string>) => ({
  "x-known-parts": Object.entries(marks)
    .map((pair) => pair.join("="))
    .join(),
});

async function open(given: Partial<ApiPorts> = {}) {
  const newEvents = new EventEmitter();
  const scene = sceneOf("failing", 10_000);
  // The scene says anew how long ago each thing was.
  const [done, refreshes, beats, deliveries] = [
    scene.activity(8, null),
    scene.refreshes(1),
    scene.beats(1),
    scene.deliveries({} as never),
  ];
  const fixed: Partial<ApiPorts> = {
    activity: () => done,
    refreshes: () => refreshes,
    beats: () => beats,
    deliveries: () => deliveries,
  };
  const ports: ApiPorts = { ...scene, ...fixed, events: { ...scene.events, newEvents }, ...given };
  const { get, signIn } = await startPage({ ports });
  const cookie = await signIn();
  const ask = async (path: string, marks: Record<string, string> | null) => {
    const answer = await get(path, { ...cookie, ...(marks && sent(marks)) });
    return { status: answer.status, text: await answer.text() };
  };
  return { newEvents, get, ask };
}

test.each(VIEWS)(
  "%s: an open page that has everything gets no part, and one that lacks a part gets it",
  async (path) => {
    const { ask } = await open();
    const full = await ask(path, null);
    const marks = marksOf(full.text);
    expect(Object.keys(marks).length).toBeGreaterThan(1);
    const nothing = await ask(path, marks);
    expect(nothing.status).toBe(200);
    expect(marksOf(nothing.text)).toEqual({});
    expect(nothing.text).toMatch(
      /^<title>[^<]+<\/title><link id="icon"[^>]+\/><footer data-live="drawn" data-parts="count,[a-z,]+">/,
    );
    for (const [name, mark] of Object.entries(marks)) {
      const { [name]: _, ...others } = marks;
      const { text } = await ask(path, others);
      expect(marksOf(text)).toEqual({ [name]: mark });
      expect(full.text).toContain(text.slice(text.indexOf(`data-live="${name}"`)).slice(0, 200));
    }
  },
);

test("only the parts that a change has touched are sent", async () => {
  const scene = sceneOf("healthy", 3);
  let done = await scene.activity(8, null);
  const { ask, newEvents } = await open({ ...scene, activity: () => done });
  const marks = marksOf((await ask("/", null)).text);
  done = [{ ...done[0]!, id: 9, after: "9".repeat(40) }, ...done];
  newEvents.emit("event");
  const { text } = await ask("/", marks);
  expect(Object.keys(marksOf(text))).toEqual(["activity"]);
  expect(text).toContain("9999999");
  expect(text.length).toBeLessThan(10_000);
});

test("an update asks for nothing once more until something changes, and needs a session", async () => {
  let asked = 0;
  const scene = sceneOf("healthy", 3);
  const { ask, get, newEvents } = await open({
    ...scene,
    ranked: (query) => {
      asked += 1;
      return scene.ranked(query);
    },
  });
  await Promise.all(Array.from({ length: 20 }, () => ask("/repositories", {})));
  expect(asked).toBe(1);
  newEvents.emit("event");
  await Promise.all(Array.from({ length: 20 }, () => ask("/repositories", {})));
  expect(asked).toBeLessThanOrEqual(2);
  const stranger = await get("/repositories", { "x-known-parts": "" });
  expect(stranger.status).toBe(401);
});

test("a page that is gone is answered to every reader who asks for an update", async () => {
  const { ask } = await open({ get: () => null });
  const answers = await Promise.all([ask("/repos/acme/web", {}), ask("/repos/acme/web", {})]);
  for (const { status, text } of answers) {
    expect(status).toBe(404);
    expect(text).toContain("<!DOCTYPE html>");
  }
});

test("of a list that has changed, only the rows are sent that the reader does not have", async () => {
  const scene = sceneOf("healthy", 3);
  const { repositories, total } = await scene.ranked({ limit: 3 } as never);
  let shown = repositories;
  const { ask, newEvents } = await open({ ...scene, ranked: () => ({ repositories: shown, total }) });
  const marks = marksOf((await ask("/repositories", null)).text);
  const [first, second, third] = repositories as [RankedView, RankedView, RankedView];
  shown = [{ ...third, lagMs: 123 }, first, second];
  newEvents.emit("event");
  const { text } = await ask("/repositories", marks);
  const rows = [...text.matchAll(/<tr role="row" id="row-(\d+)"|<tr id="row-(\d+)" data-same><\/tr>/g)];
  expect(rows.map(([, whole, left]) => [whole, left].map((id) => id && Number(id)))).toEqual([
    [third.id, undefined],
    [undefined, first.id],
    [undefined, second.id],
  ]);
  expect(text).toContain("123 ms");
  const other = await ask("/repositories", { ...marks, list: "unknown" });
  expect(other.text).not.toContain("data-same");
  expect(other.text.match(/<tr role="row" id="row-/g)).toHaveLength(3);
});

test("a repository's refs are read once more only where its default branch is not among those shown", async () => {
  const scene = sceneOf("healthy", 3);
  const asked: (string | null)[] = [];
  let shown = "refs/heads/main";
  const { ask, newEvents } = await open({
    ...scene,
    refs: async (_, { name }) => {
      asked.push(name);
      const refs = [{ ref: name ?? shown, sha: "1".repeat(40), provenAt: null }];
      return { refs, next: null, total: 1 };
    },
  });
  await ask("/repos/acme/web", null);
  expect(asked).toEqual([null]);
  shown = "refs/heads/a";
  newEvents.emit("event");
  await ask("/repos/acme/web", null);
  expect(asked).toEqual([null, null, "refs/heads/main"]);
});
