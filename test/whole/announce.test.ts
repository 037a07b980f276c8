import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ZERO } from "../../src/base/model.js";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { mirrorPath, readTip, waitForTip } from "../../tools/mirror.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";
import { hook, receiver, SECRET, touch } from "../support/consumers.js";
import { readEvents } from "../support/sse.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";
const MAIN = "refs/heads/main";

interface Server {
  standin: StandIn;
  repo: Repo;
  dataDir: string;
  start(env?: Record<string, string>): Promise<Lockstep>;
}

/** The stand-in, one repository and one DATA_DIR; `start` runs Lockstep again after each kill. */
async function server(settings: Record<string, string> = {}): Promise<Server> {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const dataDir = tempDir();
  const start = async (env: Record<string, string> = {}) => {
    const all = { API_TOKEN, INTERVAL: "off", LOG_LEVEL: "debug", ...settings, ...env };
    const lockstep = await startLockstep({ standin, dataDir, env: all });
    onTestFinished(async () => void (await lockstep.kill9()));
    return lockstep;
  };
  return { standin, repo, dataDir, start };
}

const arrives = (dataDir: string, { repo, ref, after }: Push) =>
  waitForTip(mirrorPath(dataDir, repo.owner, repo.name), ref, after);

const taken = (lockstep: Lockstep, event: number) =>
  lockstep.waitForLog((line) => line.event === "event_delivered" && line.eventId === event);

/** A git that kills Lockstep once, before or after it has moved refs. */
function deadlyGit(when: "before" | "after") {
  const dir = tempDir();
  const file = join(dir, "git");
  const kill = `if [ "$1" = update-ref ] && mv ${dir}/armed ${dir}/pid 2>/dev/null; then kill -9 $(cat ${dir}/pid); KILLED=1; fi`;
  const body = when === "before" ? `${kill}\n[ -z "$KILLED" ] && exec git "$@"` : `git "$@" || exit\n${kill}`;
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  const armed = join(dir, "armed");
  return {
    file,
    arm: ({ pid }: Lockstep) => writeFileSync(armed, String(pid)),
    isArmed: () => existsSync(armed),
  };
}

test("kill -9 while the hook runs: it runs again, and every change is announced in order", async () => {
  const { file, runs, until, dir } = hook('while [ -e "$DIR/block" ]; do sleep 0.1; done');
  const { standin, repo, dataDir, start } = await server({ ANNOUNCE_HOOK: file });
  const first = await start();
  await taken(first, 1);
  touch(dir, "block");
  const pushes: Push[] = [];
  for (let n = 0; n < 2; n++) {
    const push = await standin.commit(repo, "main");
    pushes.push(push);
    await standin.deliver(push, { to: first.webhookUrl });
    await arrives(dataDir, push);
  }
  await until(() => runs().length === 2);
  await first.kill9();
  rmSync(join(dir, "block"));
  const second = await start();
  await second.waitForLog((line) => line.event === "event_delivered" && line.eventId === 3);
  const sent = runs().map(({ AFTER }) => AFTER);
  expect(sent).toEqual([expect.any(String), pushes[0]!.after, pushes[0]!.after, pushes[1]!.after]);
});

test.each(["before", "after"] as const)(
  "kill -9 right %s the mirror's ref moves: every change is announced, and no other",
  async (when) => {
    const { file, runs } = hook();
    const git = deadlyGit(when);
    const { standin, repo, dataDir, start } = await server({ ANNOUNCE_HOOK: file, GIT_BINARY: git.file });
    const first = await start();
    await taken(first, 1);
    const mirror = mirrorPath(dataDir, repo.owner, repo.name);
    const before = readTip(mirror, MAIN);
    git.arm(first);
    const push = await standin.commit(repo, "main");
    await standin.deliver(push, { to: first.webhookUrl });
    expect(await first.exited).toMatchObject({ signal: "SIGKILL" });
    expect(git.isArmed()).toBe(false);
    expect(readTip(mirror, MAIN)).toBe(when === "before" ? before : push.after);
    const next = await standin.commit(repo, "main");
    const second = await start();
    await standin.deliver(next, { to: second.webhookUrl });
    await arrives(dataDir, next);
    await second.waitForLog((line) => line.event === "event_delivered" && Number(line.eventId) >= 2);
    const chain = () =>
      runs()
        .filter(({ REF }) => REF === MAIN)
        .map(({ BEFORE, AFTER }) => [BEFORE, AFTER]);
    while (chain().at(-1)?.[1] !== next.after) await second.waitForLog(() => true);
    const sent = chain();
    expect(sent[0]![0]).toBe(before);
    // Each change starts where the previous one ended, so none is missing and none is invented.
    for (const [n, [from]] of sent.entries()) if (n > 0) expect(from).toBe(sent[n - 1]![1]);
    if (when === "after") expect(sent[0]).toEqual([before, push.after]);
  },
);

test("a webhook's receiver that is away for a while, across a restart, misses nothing", async () => {
  let away = true;
  const target = await receiver((response) => void response.writeHead(away ? 503 : 200).end());
  const { standin, repo, dataDir, start } = await server({
    ...{ ANNOUNCE_URLS: target.url, ANNOUNCE_SECRET: SECRET },
  });
  const first = await start();
  await target.calls(1);
  const pushes = [];
  for (let n = 0; n < 3; n++) {
    const push = await standin.commit(repo, "main");
    pushes.push(push);
    await standin.deliver(push, { to: first.webhookUrl });
    await arrives(dataDir, push);
  }
  await first.kill9();
  away = false;
  const second = await start();
  await taken(second, 4);
  const changes = target.got.flatMap(({ event }) => event.changes);
  expect(changes.map(({ after }) => after)).toEqual(pushes.map(({ after }) => after));
});

test("the event stream continues after a restart by Last-Event-ID", async () => {
  const { standin, repo, dataDir, start } = await server();
  const first = await start();
  const events = (lockstep: Lockstep, last: number) =>
    lockstep.api("/api/v1/events", { headers: { "last-event-id": String(last) } });
  const seen = await readEvents(await events(first, 0), (all) => all.length === 1);
  const pushes = [await standin.commit(repo, "main"), await standin.commit(repo, "side")];
  for (const push of pushes) {
    await standin.deliver(push, { to: first.webhookUrl });
    await arrives(dataDir, push);
  }
  await first.kill9();
  const second = await start();
  const stream = await events(second, seen[0]!.id!);
  const late = await standin.commit(repo, "main");
  await standin.deliver(late, { to: second.webhookUrl });
  const all = [...pushes, late].map(({ after }) => after);
  const read = await readEvents(stream, (got) => got.at(-1)?.data?.changes.at(-1)?.after === late.after);
  expect(read.flatMap(({ data }) => data!.changes).map(({ after }) => after)).toEqual(all);
  expect(await second.stop()).toEqual({ code: 0, signal: null });
});

test("killed again and again: the events of each ref are one chain from the clone to the mirror's tip", async () => {
  const { standin, repo, dataDir, start } = await server();
  const mirror = () => mirrorPath(dataDir, repo.owner, repo.name);
  let lockstep = await start();
  await arrives(dataDir, { repo, ref: MAIN, after: (await standin.tips(repo)).get(MAIN)! } as Push);
  const first = readTip(mirror(), MAIN);
  const branches = ["main", "a", "b"];
  for (let round = 0; round < 5; round++) {
    const last = new Map<string, Push>();
    for (const branch of [...branches, ...branches]) {
      const push = await standin.commit(repo, branch);
      last.set(branch, push);
      standin.deliver(push, { to: lockstep.webhookUrl }).catch(() => {});
      // A refresh of the previous round may be at any point.
      if (branch === branches[round % 3]) await lockstep.waitForLog(() => true);
    }
    await lockstep.kill9();
    lockstep = await start();
    for (const push of last.values()) await standin.deliver(push, { to: lockstep.webhookUrl });
    await Promise.all([...last.values()].map((push) => arrives(dataDir, push)));
  }
  const tips = new Map(
    branches.map((branch) => [`refs/heads/${branch}`, readTip(mirror(), `refs/heads/${branch}`)]),
  );
  const seen = new Map<string, string>([[MAIN, first]]);
  const isDone = () => [...tips].every(([ref, tip]) => seen.get(ref) === tip);
  await readEvents(await lockstep.api("/api/v1/events?after=0"), (messages) => {
    for (const { data } of messages.splice(0)) {
      for (const { ref, before, after } of data!.changes) {
        expect([ref, before]).toEqual([ref, seen.get(ref) ?? ZERO]);
        seen.set(ref, after);
      }
    }
    return isDone();
  });
});
