import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { asks, GIT, openQueue, push, pushed, repository, silent, started } from "../support/queue.js";

/** Lets git's host go out, by the failures of three repositories that were pushed to. */
function hostOut() {
  const opened = openQueue({ random: () => 0.999 });
  const { queue } = opened;
  for (const id of [1, 2, 3]) {
    queue.arm(repository(id), pushed(push(1)));
    queue.fail(queue.begin(repository(id))!, silent());
  }
  return opened;
}

test("three repositories without an answer within 30 s mean that their host is out", () => {
  const { queue, clock } = hostOut();
  expect(queue.outages()).toEqual([
    { server: "git:github.com", since: clock.now, nextProbeAt: clock.now + 1_000 },
  ]);
  queue.arm(repository(9), pushed(push(1)));
  expect(started(queue)).toEqual([]);
  expect(queue.begin(repository(9))).toBeNull();
});

test.each([
  ["two repositories", [1, 2, 2], 0],
  ["more than 30 s", [1, 2, 3], 31_000],
])("%s without an answer mean no outage", (_, ids, ms) => {
  const { queue, clock } = openQueue();
  for (const id of ids) {
    queue.arm(repository(id), pushed(push(1)));
    queue.fail(queue.begin(repository(id))!, silent("unreachable"));
    clock.now += ms;
  }
  expect(queue.outages()).toEqual([]);
});

test("a success between, or a refusal, which is an answer, means no outage", () => {
  for (const answer of ["success", "refusal"]) {
    const { queue } = openQueue();
    for (const id of [1, 2, 3]) {
      queue.arm(repository(id), pushed(push(1)));
      queue.fail(queue.begin(repository(id))!, silent("timeout"));
      if (id !== 2) continue;
      queue.arm(repository(8), pushed(push(1)));
      const other = queue.begin(repository(8))!;
      if (answer === "success") queue.reached(GIT);
      else queue.fail(other, new RefreshError("forbidden", "403", { resource: GIT }));
    }
    expect(queue.outages(), answer).toEqual([]);
  }
});

test("a probe that becomes due while others are looked for is due at once, and one that finds no slot starts no loop", () => {
  const { queue, clock } = hostOut();
  clock.now += 999;
  queue.promote();
  expect(queue.next("short")).toBeNull();
  clock.now += 1;
  expect(queue.nextDueIn()).toBe(0);
  queue.promote();
  // Every slot is taken: a run that ends looks again.
  expect(queue.nextDueIn()).toBeGreaterThan(500);
  expect(queue.next("short")).not.toBeNull();
});

test("a host that is out is probed after 1, 2, 4, 8 and then every 15 s, each time by another repository", () => {
  const { queue, clock } = hostOut();
  const from = clock.now;
  const probes: [seconds: number, id: number][] = [];
  while (clock.now < from + 62_000) {
    clock.now += 250;
    for (const id of started(queue)) {
      probes.push([(clock.now - from) / 1_000, id]);
      const entry = queue.list(10).find(({ subject }) => subject.id === id)!;
      expect(entry.subject.id).toBe(id);
      failRunning(queue, id);
    }
  }
  expect(probes.map(([at]) => at)).toEqual([1, 3, 7, 15, 30, 45, 60]);
  const repeated = probes.filter(([, id], n) => id === probes[n - 1]?.[1]);
  expect(repeated).toEqual([]);
  expect(new Set(probes.map(([, id]) => id)).size).toBe(3);
});

/** Ends an open run of `started` as the host would. */
function failRunning(queue: ReturnType<typeof openQueue>["queue"], id: number): void {
  const snapshot = {
    subject: repository(id),
    class: "short" as const,
    generation: 1_000,
    request: { armedAt: 1_000_000, attempt: 1 } as never,
  };
  queue.fail(snapshot, silent());
}

test("pushes probe before others", () => {
  const { queue, clock } = openQueue();
  for (const id of [1, 2, 3]) {
    queue.arm(repository(id), asks("backstop"));
    queue.fail(queue.begin(repository(id))!, silent());
  }
  queue.arm(repository(9), pushed(push(1)));
  clock.now += 1_000;
  expect(started(queue)).toEqual([9]);
});

test("a probe that hangs does not delay the next one", () => {
  const { queue, clock } = hostOut();
  clock.now += 1_000;
  expect(started(queue)).toHaveLength(1);
  clock.now += 2_000;
  expect(started(queue)).toHaveLength(1);
});

test("any success ends the outage, and everyone who met it is due at once", () => {
  const { queue, clock } = hostOut();
  queue.arm(repository(9), asks("backstop"));
  clock.now += 1_000;
  const [prober] = started(queue);
  queue.reached(GIT);
  expect(queue.outages()).toEqual([]);
  queue.promote();
  expect(started(queue).sort()).toEqual([1, 2, 3, 9].filter((id) => id !== prober));
});

test("runs during an outage use up no attempts", () => {
  const { queue, clock } = hostOut();
  for (let n = 0; n < 20; n++) {
    clock.now += 15_000;
    for (const id of started(queue)) failRunning(queue, id);
  }
  queue.reached(GIT);
  queue.promote();
  // The first two failures were counted before the host was known to be out.
  expect(
    queue
      .list(3)
      .map(({ attempt }) => attempt)
      .sort(),
  ).toEqual([0, 1, 1]);
});

test("an outage of GitHub's API stops lists, and no refresh that needs only git", () => {
  const { queue, clock } = openQueue();
  const rest = { kind: "rest", whose: "app" } as const;
  for (const id of [1, 2, 3]) {
    queue.arm({ kind: "installation", id }, asks("backstop"));
    const run = queue.begin({ kind: "installation", id })!;
    queue.fail(run, new RefreshError("unreachable", "down", { resource: rest }));
  }
  queue.arm(repository(5), pushed(push(1)));
  expect(started(queue, "list")).toEqual([]);
  expect(started(queue, "short")).toEqual([5]);
  clock.now += 1_000;
  expect(started(queue, "list")).toHaveLength(1);
});

test("a refresh that met the API's outage probes, when no list is queued", () => {
  const { queue, clock } = openQueue();
  for (const id of [1, 2, 3]) {
    queue.arm(repository(id), asks("backstop"));
    const error = new RefreshError("unreachable", "down", { resource: { kind: "rest", whose: 7 } });
    queue.fail(queue.begin(repository(id))!, error);
  }
  clock.now += 1_000;
  expect(started(queue)).toHaveLength(1);
});

test("an outage is forgotten by a restart, and its rows are due within the time between probes", () => {
  const { reopen, clock } = hostOut();
  const again = reopen();
  expect(again.outages()).toEqual([]);
  clock.now += 15_000;
  again.promote();
  expect(started(again).sort()).toEqual([1, 2, 3]);
});
