import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { terminate } from "../../machine/terminate.js";
import { readFrames, writeFrame } from "./frames.js";
import { openPipePool } from "./pipes.js";
import { asChild, StartedGit } from "./started-git.js";

export interface StartCall {
  file: string;
  args: string[];
  env: Record<string, string>;
  /** 0 to 19, as nice(1) has it. */
  nice: number;
}

/** How many sets of pipes wait for a git. */
const READY = 8;
/** A starter that starts nothing for so long is ended, and so are its gits. In milliseconds. */
const HANGS_MS = 30_000;
const CLOSES_MS = 2_000;
/** After Lockstep itself was stopped for a while, what the starter has sent meanwhile is read within this time. */
const CATCHES_UP_MS = 2_000;

/** By this variable, a git whose pid is unknown is found when the starter dies. */
const MARK = "LOCKSTEP_GIT";

/** These keep the process small: a fork copies its page tables. */
const FLAGS = ["--max-semi-space-size=1", "--max-old-space-size=64"];
const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

/** One starter process, from its start to its end. */
export interface Life {
  pid: number;
  isUp(): boolean;
  start(call: StartCall): StartedGit | null;
  /** Ends its gits and the process. */
  end(): Promise<unknown>;
  /** Resolves to why the process has ended, once all that it had started have ended. */
  over: Promise<string>;
}

/**
 * @param dir where the socket is made, in a directory of its own
 * @param onUp is called once a git can be started
 * @throws Error when the process or its socket cannot be made
 */
export async function openLife(dir: string, onUp: () => void): Promise<Life> {
  const gits = new Map<number, StartedGit>();
  const name = randomBytes(8).toString("hex");
  let lastId = 0;
  let isUp = false;
  let isOver = false;
  let control: Socket | null = null;
  const send = (message: object) => {
    if (!isOver && control) writeFrame(control, message);
  };
  const pool = await openPipePool(dir, {
    onReady() {
      isUp = true;
      onUp();
    },
    onLost: (set) => send({ type: "replace", set }),
  });
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...FLAGS, MAIN], {
      cwd: "/",
      env: {},
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
  } catch (error) {
    pool.close();
    throw error;
  }
  control = child.stdio[3] as Socket;
  control.on("error", () => {});
  readFrames(control, (answer: Answer) => {
    hear(gits.get(answer.id), answer);
    // Whoever records gits on disk has done so at the event.
    if (answer.type === "started") send({ type: "recorded", id: answer.id });
  });
  send({ type: "open", path: pool.path, token: pool.token, ready: READY });
  const over = ended(child).then(async (reason) => {
    isOver = true;
    isUp = false;
    pool.close();
    await Promise.all([...gits.values()].map((git) => git.orphaned()));
    return reason;
  });

  return {
    pid: child.pid ?? 0,
    isUp: () => isUp,
    start: (call) => (isUp ? start(call) : null),
    async end() {
      isUp = false;
      await Promise.all([...gits.values()].map((git) => terminate(asChild(git), { reach: "descendants" })));
      control.destroy();
      const hard = setTimeout(() => child.kill("SIGKILL"), CLOSES_MS);
      await over;
      clearTimeout(hard);
    },
    over,
  };

  function start(call: StartCall): StartedGit {
    const id = ++lastId;
    const mark = `${name}-${id}`;
    const git = new StartedGit(`${MARK}=${mark}`, (signal) => send({ type: "kill", id, signal }));
    gits.set(id, git);
    const settled = onceSilent(() => child.kill("SIGKILL"));
    git.once("spawn", settled);
    git.once("error", () => gits.delete(id));
    git.once("error", settled);
    git.once("exit", () => gits.delete(id));
    pool.take((pipes) => {
      git.connect(pipes);
      send({ type: "start", id, set: pipes.set, ...call, env: { ...call.env, [MARK]: mark } });
    });
    return git;
  }
}

/** Calls `act` when nothing is heard for too long. @returns what to call once something is heard */
function onceSilent(act: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(act, CATCHES_UP_MS);
  }, HANGS_MS);
  return () => clearTimeout(timer);
}

type Answer =
  | { type: "started"; id: number; pid: number }
  | { type: "failed"; id: number; message: string; code?: string }
  | { type: "ended"; id: number; code: number | null; signal: NodeJS.Signals | null };

function hear(git: StartedGit | undefined, answer: Answer): void {
  switch (answer.type) {
    case "started":
      git?.spawned(answer.pid);
      break;
    case "failed":
      git?.failed(Object.assign(new Error(answer.message), { code: answer.code }));
      break;
    case "ended":
      git?.ended(answer.code, answer.signal);
  }
}

/** @returns why the process has ended; what it wrote before has been read */
const ended = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
