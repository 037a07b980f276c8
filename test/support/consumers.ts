import { EventEmitter, once } from "node:events";
import { chmodSync, existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { onTestFinished } from "vitest";
import type { Announcement } from "../../src/base/model.js";
import { expectValid } from "./event-schema.js";
import { tempDir } from "./temp.js";

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

export interface Received {
  id: string;
  event: Announcement;
  headers: Record<string, string>;
}

/** A receiver of webhooks that verifies its calls; `answer` may refuse a call or never answer. */
export async function receiver(answer: (response: ServerResponse, n: number) => void = accept) {
  const got: Received[] = [];
  const newEvents = new EventEmitter();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = request.headers as Record<string, string>;
    const event = new Webhook(SECRET).verify(Buffer.concat(chunks).toString(), headers) as Announcement;
    expectValid(event);
    got.push({ id: headers["webhook-id"]!, event, headers });
    answer(response, got.length);
    newEvents.emit("got");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Waits until this many calls have arrived. */
  const calls = async (count: number) => {
    while (got.length < count) await once(newEvents, "got");
    return got;
  };
  return { url, got, calls };
}

const accept = (response: ServerResponse) => void response.writeHead(204).end();

/**
 * Creates a hook that writes a line of JSON for each run.
 * @param then shell commands to run afterwards; $DIR is the hook's directory
 */
export function hook(then = "") {
  const dir = tempDir();
  const file = join(dir, "hook");
  const log = join(dir, "runs");
  writeFileSync(log, "");
  const fields = ["EVENT_ID", "EVENT_TYPE", "REPOSITORY", "REF", "BEFORE", "AFTER", "MIRROR", "CHECKOUT"];
  const json = fields.map((name) => `\\"${name}\\":\\"$LOCKSTEP_${name}\\"`).join(",");
  writeFileSync(file, `#!/bin/sh\nDIR=${dir}\necho "{${json}}" >> ${log}\n${then}\n`);
  chmodSync(file, 0o755);
  const runs = () =>
    readFileSync(log, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, string>);
  const until = (fits: () => boolean) => changed(dir, fits);
  return { dir, file, runs, until };
}

/** Waits until the condition holds, and checks again whenever something in the directory changes. */
export async function changed(dir: string, fits: () => boolean): Promise<void> {
  const watcher = watch(dir);
  try {
    while (!fits()) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}

export const touch = (...path: string[]) => writeFileSync(join(...path), "");
export const isThere = (...path: string[]) => existsSync(join(...path));
