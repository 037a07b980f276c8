import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../tools/lockstep.js";
import type { Releasers } from "../../tools/releasers.js";
import type { Way } from "../way.js";

/** Debian's package of https://github.com/adnanh/webhook. */
const PROGRAM = "webhook";
const SECRET = "secret-of-the-benchmark";
const HOOK = "push";
const START_MS = 10_000;

interface Ports {
  /** Holds the mirror, and what the way needs. */
  dir: string;
  mirror: string;
  /** Options of git with which it reads the upstream. */
  remote: string[];
  env: NodeJS.ProcessEnv;
  releasers: Releasers;
}

/**
 * Returns the way of a server that checks a delivery's signature and runs a script for it.
 * @returns null: the program is not installed
 */
export async function fetchScript({ dir, mirror, remote, env, releasers }: Ports): Promise<Way | null> {
  if (spawnSync(PROGRAM, ["-version"]).error) return null;
  const script = join(dir, "fetch.sh");
  const quoted = remote.map((argument) => `'${argument}'`).join(" ");
  await writeFile(script, `#!/bin/sh\nexec git ${quoted} fetch --quiet --prune\n`);
  await chmod(script, 0o700);
  const hooks = join(dir, "hooks.json");
  await writeFile(hooks, JSON.stringify([hookFor(script, mirror)]));
  const port = await freePort();
  // webhook -hooks hooks.json -ip 127.0.0.1 -port <port>
  const child = spawn(PROGRAM, ["-hooks", hooks, "-ip", "127.0.0.1", "-port", String(port)], {
    env,
    stdio: "ignore",
  });
  releasers.add(() => void child.kill());
  const url = `http://127.0.0.1:${port}/hooks/${HOOK}`;
  await untilItAnswers(url);
  return {
    name: "webhook with a fetch script",
    async bring({ ref, after }) {
      const body = JSON.stringify({ ref, after });
      const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
      const began = performance.now();
      const headers = { "content-type": "application/json", "x-hub-signature-256": signature };
      const answer = await fetch(url, { method: "POST", headers, body });
      await answer.text();
      if (!answer.ok) throw new Error(`webhook answered ${answer.status}`);
      return performance.now() - began;
    },
  };
}

/** The answer waits for the script, so that its end is known. */
const hookFor = (script: string, mirror: string): object => ({
  id: HOOK,
  "execute-command": script,
  "command-working-directory": mirror,
  "include-command-output-in-response": true,
  "trigger-rule": {
    match: {
      type: "payload-hmac-sha256",
      secret: SECRET,
      parameter: { source: "header", name: "X-Hub-Signature-256" },
    },
  },
});

async function untilItAnswers(url: string): Promise<void> {
  const until = performance.now() + START_MS;
  for (;;) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) return;
    if (performance.now() > until) throw new Error("webhook does not answer");
    await sleep(50);
  }
}
