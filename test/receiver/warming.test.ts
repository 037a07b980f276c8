import { expect, test } from "vitest";
import { createDeliveryLog, DELIVERY_TABLES } from "../../src/deliveries/log.js";
import type { Gateway } from "../../src/git/transport/gateway.js";
import { createEmbeddedQueue } from "../../src/queue/embedded.js";
import { QUEUE_TABLES } from "../../src/queue/tables.js";
import { createAcceptance } from "../../src/receiver/acceptance.js";
import { askedToWait, type Clock, GIT, push, pushed, repository, silent } from "../support/queue.js";
import { openRegistry } from "../support/registry.js";

const HOST = "github.com";

/** What receives verified pushes, on a real queue; `warmed` has the ids of repositories whose connection is opened. */
function open() {
  const { store, registry, add } = openRegistry(QUEUE_TABLES, DELIVERY_TABLES);
  const clock: Clock = { now: 1_000_000 };
  const times = { now: () => clock.now, wallNow: () => clock.now };
  const needsClone = () => false;
  const settings = { quietPeriodMs: 0, gitHost: HOST, needsClone, random: () => 0.5 };
  const queue = createEmbeddedQueue({ store, ...settings, ...times });
  const warmed: number[] = [];
  const warm = (target: { id?: number }) => void warmed.push(target.id!);
  const gateway = { warm, isWarm: () => false } as unknown as Gateway;
  const acceptance = createAcceptance({
    store,
    queue,
    registry,
    gateway,
    gitHost: HOST,
    deliveries: createDeliveryLog(store),
    runner: { wake() {} },
    stopping: () => false,
  });
  for (const id of [1, 2, 3, 4, 5]) add(id, { owner: "acme", name: `site-${id}` }, id === 5 ? 8 : 7);
  const arrives = (id: number) =>
    acceptance.warm({ kind: "request", subject: repository(id), intent: pushed(push(1)), repositoryId: id });
  /** A run of the repository that fails. */
  const fails = (id: number, error: Parameters<typeof queue.fail>[1]) => {
    queue.arm(repository(id), pushed(push(1)), { installationId: 7 });
    queue.fail(queue.begin(repository(id))!, error);
  };
  return { queue, clock, warmed, arrives, fails };
}

test("a push opens a connection, but not during the wait that GitHub asked for", () => {
  const { clock, warmed, arrives, fails } = open();
  fails(1, askedToWait(60_000, GIT));
  for (const id of [1, 1, 2]) arrives(id);
  expect(warmed).toEqual([2]);
  clock.now += 60_000;
  arrives(1);
  expect(warmed).toEqual([2, 1]);
});

test("a wait of the installation concerns its other repositories, and no other installation's", () => {
  const { warmed, arrives, fails } = open();
  for (const id of [1, 2, 3]) fails(id, askedToWait(60_000, GIT));
  for (const id of [4, 5]) arrives(id);
  expect(warmed).toEqual([5]);
});

test("no push opens a connection to a server that answers nobody, until it is back", () => {
  const { queue, warmed, arrives, fails } = open();
  for (const id of [1, 2, 3]) fails(id, silent());
  for (const id of [4, 5]) arrives(id);
  expect(warmed).toEqual([]);
  queue.reached(GIT);
  arrives(4);
  expect(warmed).toEqual([4]);
});
