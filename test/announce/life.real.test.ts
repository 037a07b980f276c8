import { expect, test } from "vitest";
import type { Announcement } from "../../src/base/model.js";
import type { EventActions } from "../../tools/standin/events.js";
import type { Repo } from "../../tools/standin/index.js";
import { receiver, SECRET } from "../support/consumers.js";
import { force, post, worldWith } from "../support/history.js";
import { readEvents } from "../support/sse.js";
import { passed } from "../support/state.js";
import type { World } from "../support/world.js";

const ORDER = [
  ...["cloned", "held", "allowed", "released", "renamed", "archived", "unarchived", "visibility_changed"],
  ...[
    "default_branch_changed",
    "transferred",
    "suspended",
    "returned",
    "gone",
    "returned",
    "gone",
    "retired",
  ],
];

/** Reads the repository's events from the first one on, until one of this type. */
async function eventsUntil(world: World, isLast: (events: Announcement[]) => boolean) {
  const response = await world.api("/api/v1/events?after=0", { headers: { accept: "text/event-stream" } });
  const messages = await readEvents(response, (all) => isLast(all.flatMap(({ data }) => data ?? [])));
  return messages.flatMap(({ data }) => data ?? []);
}

const until = (world: World, type: Announcement["type"], times = 1) =>
  eventsUntil(world, (all) => all.filter((one) => one.type === type).length >= times);

/** GitHub says that something happened to the repository; then its events are awaited. */
type Action = EventActions["repository"];

async function happens(world: World, repo: Repo, action: Action, type: Announcement["type"]) {
  await world.standin.deliverEvent("repository", world.standin.eventFor("repository", action, { repo }), {
    to: `${world.url}/api/github/webhooks`,
  });
  await until(world, type);
}

/** What differs from run to run is replaced, so that the file with the examples stays the same. */
function asExamples(events: Announcement[], world: World): object[] {
  const names = new Map<string, string>();
  const named = (sha: string) => {
    if (/^0+$/.test(sha)) return sha;
    if (!names.has(sha))
      names.set(
        sha,
        String(names.size + 1)
          .repeat(40)
          .slice(0, 40),
      );
    return names.get(sha)!;
  };
  const text = JSON.stringify(events)
    .replaceAll(world.dataDir, "/srv/lockstep")
    .replace(/[\da-f]{40}/g, named)
    .replace(/"at":"[^"]*"/g, '"at":"2026-11-27T08:00:00.000Z"');
  const seen = new Set<string>();
  return (JSON.parse(text) as Announcement[])
    .filter(({ type }) => !seen.has(type) && seen.add(type))
    .map((event, n) => ({ ...event, id: n + 1 }));
}

// `npx vitest run --update=all test/announce/life.real.test.ts` writes the examples again.
test("what becomes of a repository is announced in order, to the stream and to webhooks alike", async () => {
  const target = await receiver();
  const { world, repo, standin } = await worldWith({
    HISTORY: "block",
    RETIRE_AFTER: "1s",
    ANNOUNCE_URLS: target.url,
    ANNOUNCE_SECRET: SECRET,
  });
  const push = await standin.forcePush(repo, "main", force);
  await world.pushed(push);
  await until(world, "held");
  await post(world, repo, "allow", { ref: push.ref, wanted: push.after });
  await until(world, "released");
  standin.renameRepository(repo, "tool");
  await happens(world, repo, "renamed", "renamed");
  standin.archiveRepository(repo);
  await happens(world, repo, "archived", "archived");
  standin.archiveRepository(repo, false);
  await happens(world, repo, "unarchived", "unarchived");
  standin.setPrivate(repo, !repo.private);
  await happens(world, repo, repo.private ? "privatized" : "publicized", "visibility_changed");
  await world.pushed(await standin.createBranch(repo, "trunk"));
  await standin.setDefaultBranch(repo, "trunk");
  await happens(world, repo, "edited", "default_branch_changed");
  const globex = standin.createInstallation("globex");
  standin.transferRepository(repo, globex);
  await happens(world, repo, "transferred", "transferred");
  standin.suspendInstallation(globex);
  await passed(world);
  await until(world, "suspended");
  standin.suspendInstallation(globex, false);
  await passed(world);
  await until(world, "returned");
  standin.removeRepository(repo);
  await passed(world);
  await until(world, "gone");
  standin.addRepository(repo, globex);
  await passed(world);
  await until(world, "returned", 2);
  standin.removeRepository(repo);
  await passed(world);
  await until(world, "gone", 2);
  while (!world.log.some(({ event }) => event === "repository_retired")) await passed(world);
  const events = await until(world, "retired");
  const life = events.filter(({ type }) => type !== "changed");
  expect(life.map(({ type }) => type)).toEqual(ORDER);
  expect((await target.calls(events.length)).map(({ event }) => event)).toEqual(events);
  const examples = `${JSON.stringify(asExamples(events, world), null, 2)}\n`;
  await expect(examples).toMatchFileSnapshot("../../docs/events.examples.json");
});
