import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../random.js";
import { pretendRestart } from "../damage.js";
import type { Kind, Undo } from "../kind.js";
import { changes } from "../traffic.js";
import type { World } from "../world.js";

const REFRESH_MS = 400;
/** The calls that change a directory, write a file, or make something durable. */
const CALLS = [
  "fsync,fdatasync,syncfs",
  "rename,renameat,renameat2",
  "link,linkat,symlink,symlinkat",
  "unlink,unlinkat,rmdir",
  "mkdir,mkdirat",
  "write,pwrite64",
  "openat",
  "close",
];
/** A refresh makes fewer of these calls in each of its processes. */
const MOST_CALLS = 60;
const ATTACH_MS = 10_000;
const STOP_MS = 3_000;

export const POWER_CUT_KINDS: Kind[] = [
  { name: "power-cut", needs: ["root"], inflict: cutSometime },
  { name: "power-cut-at-call", needs: ["root", "strace"], inflict: cutAtCall },
];

/** The power fails at any time of a refresh; what the kernel had not written is gone. */
async function cutSometime(world: World, random: Random): Promise<Undo> {
  await changes(world, random, 2);
  await sleep(random.below(REFRESH_MS));
  return cut(world);
}

/**
 * The power fails at the Nth call of one kind, in the first process or git that makes so many:
 * strace -f -p <pid> -e inject=rename:signal=SIGSTOP:when=N
 */
async function cutAtCall(world: World, random: Random): Promise<Undo> {
  const calls = random.pick(CALLS)!;
  const when = 1 + random.below(MOST_CALLS);
  const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:signal=SIGSTOP:when=${when}`];
  const strace = spawn("strace", ["-f", "-p", String(world.lockstep.pid), ...inject], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    await said(strace, /attached/, ATTACH_MS);
    const stopped = said(strace, /--- stopped by SIGSTOP ---/, STOP_MS);
    await changes(world, random, 3);
    const isStopped = await stopped;
    world.note(`power cut ${isStopped ? `at call ${when} of` : `after less than ${when} calls of`} ${calls}`);
    return await cut(world);
  } finally {
    strace.kill("SIGKILL");
  }
}

/** Waits until strace prints something. @returns false: strace did not within `timeoutMs` */
function said(strace: ChildProcess, what: RegExp, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    let text = "";
    strace.stderr?.on("data", (chunk: Buffer) => {
      text = (text + chunk).slice(-2_000);
      if (!what.test(text)) return;
      clearTimeout(timer);
      resolve(true);
    });
  });
}

async function cut(world: World): Promise<Undo> {
  await world.kill9();
  await world.endAll();
  await world.volume.cutPower();
  pretendRestart(world.dataDir);
  return async () => {
    await world.start();
  };
}
