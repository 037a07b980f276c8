import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

const MIB = 2 ** 20;
/** The documented limit, and what Node may not have given back yet. */
const ALLOWED_MIB = 256 + 128;
const BODY = Buffer.alloc(24 * MIB, "x");

/** @returns the status of the answer; 0: the connection was closed without one */
const post = (url: string): Promise<number> =>
  new Promise((resolve) => {
    const headers = {
      "content-type": "application/json",
      "content-length": BODY.length,
      "x-github-event": "push",
      "x-github-delivery": "unsigned",
      "x-hub-signature-256": "sha256=0",
    };
    const call = request(url, { method: "POST", headers }, (answer) => {
      answer.resume().on("close", () => resolve(answer.statusCode!));
    });
    call.on("error", () => resolve(0)).end(BODY);
  });

test("unsigned bodies take no more memory than documented, however many come at once", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: { INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  const memoryMib = (field: string) => {
    const status = readFileSync(`/proc/${lockstep.pid}/status`, "utf8");
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  };
  const before = memoryMib("VmRSS");
  // proc(5): the peak starts again from the present value
  writeFileSync(`/proc/${lockstep.pid}/clear_refs`, "5");
  for (let round = 0; round < 2; round += 1)
    await Promise.all(Array.from({ length: 30 }, () => post(lockstep.webhookUrl)));
  expect(memoryMib("VmHWM") - before).toBeLessThan(ALLOWED_MIB);
  expect((await fetch(`${lockstep.url}/healthz`)).status).toBe(200);
});
