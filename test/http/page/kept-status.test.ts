import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { keepStatus } from "../../../src/http/page/kept-status.js";
import type { StatusView } from "../../../src/http/status-view.js";
import { sceneOf } from "../../support/scenes.js";

function open() {
  const clock = { now: 0 };
  const changes = new EventEmitter();
  const scene = { status: sceneOf("healthy", 3).status(), reads: 0, isBroken: false };
  const kept = keepStatus({
    read() {
      changes.emit("read");
      if (scene.isBroken) throw new Error("no disk");
      scene.reads += 1;
      return { ...scene.status };
    },
    onChange: () => void changes.emit("event"),
    clock: () => clock.now,
  });
  return { clock, changes, scene, kept };
}

test("an old status is shown once more, read again apart from that, and pages are told when it says something else", async () => {
  const { clock, changes, scene, kept } = open();
  const first = await kept.status();
  clock.now = 2_999;
  expect([(await kept.status()) === first, scene.reads]).toEqual([true, 1]);
  clock.now = 3_000;
  scene.status = sceneOf("failing", 3).status();
  const told = once(changes, "event");
  expect([(await kept.status()) === first, (await kept.status()) === first, scene.reads]).toEqual([
    true,
    true,
    1,
  ]);
  await told;
  expect(scene.reads).toBe(2);
  expect((await kept.status()).attentionTotal).toBe(3);
});

test("a status is never older than twelve seconds, and an operator sees at once what an action has changed", async () => {
  const { clock, scene, kept } = open();
  await kept.status();
  clock.now = 12_000;
  await kept.status();
  expect(scene.reads).toBe(2);
  kept.forget();
  await kept.status();
  expect(scene.reads).toBe(3);
});

test("a database that cannot be read is met by the next reader", async () => {
  const { clock, changes, scene, kept } = open();
  await kept.status();
  clock.now = 3_000;
  scene.isBroken = true;
  const tried = once(changes, "read");
  await kept.status();
  await tried;
  await new Promise(setImmediate);
  await expect(kept.status()).rejects.toThrow("no disk");
});

test("what was being read while an operator changed something is not kept", async () => {
  const answers: ((view: StatusView) => void)[] = [];
  const kept = keepStatus({
    read: () => new Promise((resolve) => answers.push(resolve)),
    onChange() {},
    clock: () => 0,
  });
  const [before, after] = [sceneOf("failing", 3), sceneOf("healthy", 3)].map(
    (scene) => scene.status() as StatusView,
  );
  const early = kept.status();
  kept.forget();
  const late = kept.status();
  expect(answers).toHaveLength(2);
  answers[0]!(before!);
  expect(await early).toBe(before);
  const later = kept.status();
  answers[1]!(after!);
  expect([await late, await later, await kept.status()]).toEqual([after, after, after]);
  expect(answers).toHaveLength(2);
});
