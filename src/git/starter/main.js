/**
 * The starter: a small process that starts git for Lockstep (docs/adr/0040-git-is-started-by-a-small-process.md). It
 * gets its orders from descriptor 3, and ends when Lockstep closes that, or dies.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { Socket } from "node:net";
import { setPriority } from "node:os";
import { dirname } from "node:path";
import { helloOf, readFrames, writeFrame } from "./frames.js";

/** A set that Lockstep did not accept is connected again so much later, in milliseconds. */
const AGAIN_MS = 1_000;

/**
 * @typedef {{ type: "open", path: string, token: string, ready: number }} Open
 * @typedef {{ type: "start", id: number, set: number, file: string, args: string[], env: Record<string, string>, nice: number }} Start
 * @typedef {{ type: "recorded", id: number }} Recorded
 * @typedef {{ type: "kill", id: number, signal: NodeJS.Signals }} Kill
 * @typedef {{ type: "replace", set: number }} Replace
 */

const control = new Socket({ fd: 3, readable: true, writable: true });
/** @type {Map<number, Socket[]>} stdin, stdout and stderr of gits to come, connected with Lockstep */
const sets = new Map();
/** @type {Map<number, import("node:child_process").ChildProcess>} */
const running = new Map();
/** @type {Set<number>} gits that Lockstep has not recorded on disk yet */
const unrecorded = new Set();
/** @type {Open | null} */
let opened = null;
let lastSet = 0;

// A terminal signals the whole group, and Lockstep still needs git while it stops.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
control.on("error", () => {});
control.once("end", leave);
control.once("close", leave);
readFrames(control, (/** @type {Open | Start | Recorded | Kill | Replace} */ message) => {
  switch (message.type) {
    case "open":
      opened = message;
      fill();
      break;
    case "start":
      start(message);
      break;
    case "recorded":
      unrecorded.delete(message.id);
      break;
    case "kill":
      running.get(message.id)?.kill(message.signal);
      break;
    case "replace":
      drop(message.set);
  }
});

/** The next Lockstep ends the gits that are on record. Of the others it would not know. */
function leave() {
  for (const id of unrecorded) running.get(id)?.kill("SIGTERM");
  if (opened) rmSync(dirname(opened.path), { recursive: true, force: true });
  process.exit(0);
}

function fill() {
  while (opened && sets.size < opened.ready) connect(opened);
}

/** @param {Open} to */
function connect({ path, token }) {
  const id = ++lastSet;
  const sockets = [0, 1, 2].map((stream) => {
    const socket = new Socket();
    // What Lockstep writes is for git: a socket that is not paused would read it.
    socket.pause();
    socket.on("error", () => drop(id));
    socket.connect(path);
    socket.write(helloOf(token, id, stream));
    return socket;
  });
  sets.set(id, sockets);
}

/** @param {number} id */
function drop(id) {
  const sockets = sets.get(id);
  if (!sockets) return;
  sets.delete(id);
  for (const socket of sockets) socket.destroy();
  setTimeout(fill, AGAIN_MS);
}

/** @param {Start} call */
function start({ id, set, file, args, env, nice }) {
  const sockets = sets.get(set);
  sets.delete(set);
  /** @param {NodeJS.ErrnoException} error */
  const fail = ({ message, code }) => writeFrame(control, { type: "failed", id, message, code });
  try {
    const child = spawn(file, args, { cwd: "/", env, stdio: sockets ?? "ignore" });
    child.on("error", (error) => {
      if (child.pid === undefined) fail(error);
    });
    if (child.pid !== undefined) report(child, id, nice);
  } catch (error) {
    fail(/** @type {NodeJS.ErrnoException} */ (error));
  }
  // The descriptors are git's alone now. This closes the copies of this process and shuts nothing down.
  for (const socket of sockets ?? []) socket.destroy();
  if (opened && sets.size <= opened.ready / 2) setImmediate(fill);
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {number} id
 * @param {number} nice
 */
function report(child, id, nice) {
  running.set(id, child);
  unrecorded.add(id);
  if (nice > 0) {
    try {
      setPriority(/** @type {number} */ (child.pid), nice);
    } catch {
      // The process has already ended.
    }
  }
  writeFrame(control, { type: "started", id, pid: child.pid });
  child.once("exit", (code, signal) => {
    running.delete(id);
    unrecorded.delete(id);
    writeFrame(control, { type: "ended", id, code, signal });
  });
}
