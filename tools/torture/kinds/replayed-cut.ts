import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Random } from "../../random.js";
import { pretendRestart } from "../damage.js";
import type { Kind, Undo } from "../kind.js";
import { COUNTED_PUSHES, prepare, untilSound } from "../push.js";
import { buildDirectory, STATES } from "../replay/build.js";
import { type DirectoryNode, Disk } from "../replay/disk.js";
import type { Unsynced } from "../replay/file.js";
import type { Operation } from "../trace/operations.js";
import { isRecording, readOperations, writeRecordingNode } from "../trace/record.js";
import type { World } from "../world.js";

const exec = promisify(execFile);
/** A trace has some hundred operations, each of which could be the last, in four states: a round takes some of them. */
const CUTS = 3;
/** Processes share this file in memory; SQLite makes it from its log. */
const SHARED = "lockstep.db-shm";
const RECORDED_MS = 30_000;
/** The file in DATA_DIR with the space that is kept for the database. */
const RESERVE = "reserve";

export const REPLAYED_CUT_KINDS: Kind[] = [
  { name: "power-cut-replayed", needs: ["strace"], isAlone: true, inflict: replay },
];

/** Records the system calls of a push, and starts Lockstep from what a power cut after some of them could leave. */
async function replay(world: World, random: Random): Promise<Undo> {
  const recorded = await recordPush(world, random);
  const { operations, copy } = recorded;
  const undo: Undo = async () => {
    await world.start();
    await rm(copy, { recursive: true, force: true });
  };
  for (let cuts = 1; ; cuts += 1) {
    const count = random.below(operations.length + 1);
    await cutAfter(world, recorded, count, random.pick(STATES)!);
    if (cuts === CUTS) return undo;
    await world.start();
    await untilSound(world);
    await world.kill9();
    await world.endAll();
  }
}

interface Recorded {
  push: string;
  /** The deliveries that were answered 202 before the push. */
  acknowledged: ReadonlySet<string>;
  /** What DATA_DIR had before the push. */
  copy: string;
  operations: Operation[];
}

/** Records everything from a start of Lockstep to the end of a push. */
async function recordPush(world: World, random: Random): Promise<Recorded> {
  const push = random.pick(COUNTED_PUSHES)!;
  await prepare(world, push);
  await world.stop();
  await world.endAll();
  const [copy, file, node] = ["before", "calls", "node"].map((name) => join(world.dataDir, "..", name));
  await rm(copy!, { recursive: true, force: true });
  // The reserve is of no interest to a power cut, and would be most of what is copied.
  await rm(join(world.dataDir, RESERVE), { force: true });
  await exec("cp", ["-a", world.dataDir, copy!]);
  await writeRecordingNode(node!, file!);
  await world.start({}, node!);
  const acknowledged = new Set(world.acknowledged);
  await Promise.all((await push.push(world)).map((made) => world.deliver(made)));
  await untilSound(world);
  await world.kill9();
  await world.endAll();
  await world.until("strace has ended", () => !isRecording(file!), RECORDED_MS);
  const operations = (await readOperations(file!)).filter((operation) => isIn(world.dataDir, operation));
  await Promise.all([rm(file!), rm(node!)]);
  await verify(world, copy!, operations);
  return { push: push.name, acknowledged, copy: copy!, operations };
}

const isIn = (dir: string, operation: Operation): boolean =>
  "path" in operation ? operation.path.startsWith(`${dir}/`) && operation.path !== join(dir, RESERVE) : true;

/**
 * All operations lead to the files that are there.
 * @throws Error with the differences: the record lacks what Lockstep did, so that it proves nothing
 */
async function verify({ dataDir }: World, copy: string, operations: Operation[]): Promise<void> {
  const built = join(dataDir, "..", "replayed");
  await mkdir(built);
  buildDirectory(replayed(dataDir, copy, operations), built, "present");
  // diff -r --no-dereference --exclude=… replayed data
  const options = ["-r", "--no-dereference", "--brief", `--exclude=${SHARED}`, `--exclude=${RESERVE}`];
  await exec("diff", [...options, built, dataDir]).catch((error: { stdout: string }) => {
    throw new Error(`the replay differs from the disk:\n${error.stdout}`);
  });
  await rm(built, { recursive: true });
}

function replayed(dataDir: string, copy: string, operations: Operation[]): DirectoryNode {
  const disk = new Disk(dataDir, copy);
  for (const operation of operations) disk.apply(operation);
  return disk.root;
}

/** Has DATA_DIR be what a power cut after the first operations could leave. */
async function cutAfter(
  world: World,
  { operations, copy, push, acknowledged }: Recorded,
  count: number,
  unsynced: Unsynced,
): Promise<void> {
  const { dataDir } = world;
  const done = operations.slice(0, count);
  const root = replayed(dataDir, copy, done);
  for (const name of readdirSync(dataDir))
    if (name !== "lost+found") rmSync(join(dataDir, name), { recursive: true, force: true });
  buildDirectory(root, dataDir, unsynced);
  rmSync(join(dataDir, SHARED), { force: true });
  const isAccepted = done.some(({ kind }) => kind === "accepted");
  world.note(
    `power cut after operation ${count} of ${operations.length} of a push (${push}), ${isAccepted ? "answered 202" : "not answered"}: unsynced data is ${unsynced}`,
  );
  // An answer that GitHub did not get promises nothing.
  for (const id of world.acknowledged)
    if (!isAccepted && !acknowledged.has(id)) world.acknowledged.delete(id);
  pretendRestart(dataDir);
}
