import { expect, test } from "vitest";
import { openQueue, push, pushed, repository } from "../support/queue.js";

const OTHER = "refs/heads/other";
const left = { full: false, dueInMs: 2_000, isBehind: false };

test("what GitHub does not show yet stays, due at its own time; the rest is done, and nothing has failed", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1), push(1, OTHER)));
  const first = queue.begin(repository(1))!;
  queue.keep(first, { ...left, refs: [OTHER] });
  expect(queue.begin(repository(1))).toBeNull();
  expect(queue.nextDueIn()).toBe(2_000);
  clock.now += 2_000;
  const { request } = queue.begin(repository(1))!;
  expect(request).toMatchObject({ attempt: 1, full: false, armedAt: first.request.armedAt });
  expect(request.hints.map(({ ref }) => ref)).toEqual([OTHER]);
});

test("a push that comes in meanwhile is due at once, and what is left stays with it", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1, OTHER)));
  const first = queue.begin(repository(1))!;
  queue.arm(repository(1), pushed(push(1)));
  queue.keep(first, { ...left, refs: [OTHER] });
  const { request } = queue.begin(repository(1))!;
  expect(request.hints.map(({ ref }) => ref).sort()).toEqual(["refs/heads/main", OTHER]);
});

test("a row that only waits for a lagging replica is no work to do, until something comes in", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  expect(queue.isPending(repository(1))).toBe(true);
  queue.keep(queue.begin(repository(1))!, { ...left, refs: ["refs/heads/main"], isBehind: true });
  expect([queue.has(repository(1)), queue.isPending(repository(1))]).toEqual([true, false]);
  queue.arm(repository(1), pushed(push(1, OTHER)));
  expect(queue.isPending(repository(1))).toBe(true);
});

test("a delivery without its payload contests the hints, and has a row that was behind asked at once", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  queue.keep(queue.begin(repository(1))!, {
    ...left,
    dueInMs: 300_000,
    refs: ["refs/heads/main"],
    isBehind: true,
  });
  queue.arm(repository(1), { trigger: "backstop", hints: [], full: true }, { deliveryId: "recovered" });
  const { request } = queue.begin(repository(1))!;
  expect(request).toMatchObject({ full: true, hints: [{ ref: "refs/heads/main", contested: true }] });
});

test("a receipt that lies ahead after the clock was set back counts from now, once", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const receivedAt = clock.now;
  clock.now -= 3_600_000;
  clock.now += 3_600_000; // due again by the stored time
  const first = queue.begin(repository(1))!;
  clock.now = receivedAt - 3_600_000;
  queue.keep(first, { ...left, refs: ["refs/heads/main"] });
  clock.now += 2_000;
  expect(queue.begin(repository(1))!.request.hints[0]!.receivedAt).toBe(receivedAt - 3_600_000);
});

test("refs too many to name leave their newest push, which the comparison after the deadline ends", () => {
  const { queue, clock } = openQueue();
  const pushes = Array.from({ length: 301 }, (_, n) => push(n + 1, `refs/heads/${n}`));
  queue.arm(repository(1), pushed(...pushes));
  const first = queue.begin(repository(1))!;
  expect(first.request).toMatchObject({ full: true, hints: [] });
  expect(first.request.unlisted).toMatchObject({ pushedAt: 301, receivedAt: clock.now });
  queue.keep(first, { refs: [], full: true, dueInMs: 20_000, isBehind: false });
  clock.now += 20_000;
  const second = queue.begin(repository(1))!;
  expect(second.request).toMatchObject({ full: true, unlisted: { pushedAt: 301 } });
  queue.succeed(second);
  expect(queue.depth()).toBe(0);
});

test("pushes too many to name that come in during a run are not ended by that run", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const first = queue.begin(repository(1))!;
  queue.arm(repository(1), pushed(...Array.from({ length: 301 }, (_, n) => push(n + 1, `refs/heads/${n}`))));
  queue.succeed(first);
  expect(queue.begin(repository(1))!.request).toMatchObject({ full: true, unlisted: { pushedAt: 301 } });
});
