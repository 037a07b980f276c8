import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const FILE = new URL("../../lib/cli.js", import.meta.url).pathname;
const CLEAR_LINE = "\r\u001b[2K";
const PROBLEM = { "content-type": "application/problem+json" };
const SHA = "1".repeat(40);

/** An API that answers when the test decides. */
async function startApi() {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const asked = async () => (await once(server, "request"))[1] as ServerResponse;
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Runs `lockstep …` in a terminal of its own: script -qefc 'node lib/cli.js …' /dev/null */
function atTerminal(env: Record<string, string>, ...args: string[]) {
  const command = [process.execPath, FILE, ...args].join(" ");
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    ...{ cwd: tempDir(), env: { PATH: process.env.PATH, TERM: "xterm-256color", SHELL: "/bin/sh", ...env } },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let seen = "";
  child.stdout.on("data", (text) => {
    seen += text;
  });
  return {
    async until(text: string | RegExp): Promise<void> {
      while (seen.split(text).length === 1) await once(child.stdout, "data");
    },
    async ended() {
      const [code] = await once(child, "close");
      return { code, seen };
    },
  };
}

test.each([
  [["refresh", "acme/app", "--wait", "2m"], "the refresh of acme/app, at most 2m", "acme/app fresh"],
  [["wait", `a/b@${SHA}`, "--timeout", "1m"], `a/b@${SHA}, at most 1m`, `a/b@${SHA} is there`],
])("on a terminal %j shows a waiting time, which the result replaces", async (args, line, result) => {
  const { url, asked } = await startApi();
  const terminal = atTerminal({ LOCKSTEP_URL: url }, ...args);
  const response = await asked();
  await terminal.until(`${CLEAR_LINE}waiting 0s for ${line}`);
  await terminal.until(/waiting [1-9]\d*s for/);
  response.end(JSON.stringify({ repository: { state: "fresh" } }));
  const { code, seen } = await terminal.ended();
  expect({ code, end: seen.slice(seen.lastIndexOf(CLEAR_LINE)) }).toEqual({
    ...{ code: 0, end: `${CLEAR_LINE}${result}\r\n` },
  });
});

test("a failure has its own line", async () => {
  const { url, asked } = await startApi();
  const terminal = atTerminal({ LOCKSTEP_URL: url }, "refresh", "acme/app");
  (await asked())
    .writeHead(504, PROBLEM)
    .end(JSON.stringify({ detail: "not done in time", remedy: "wait longer" }));
  const { code, seen } = await terminal.ended();
  expect(code).toBe(5);
  expect(seen).toContain(`${CLEAR_LINE}lockstep: acme/app: not done in time\r\n  → wait longer`);
});

test.each([
  [{ NO_COLOR: "1" }, ["refresh", "acme/app"]],
  [{}, ["--json", "refresh", "acme/app"]],
  [{}, ["refresh", "acme/app", "--wait", "0s"]],
] as [Record<string, string>, string[]][])("with %j, %j shows the result alone", async (env, args) => {
  const { url, asked } = await startApi();
  const terminal = atTerminal({ LOCKSTEP_URL: url, ...env }, ...args);
  (await asked()).end(JSON.stringify({ repository: { state: "fresh" } }));
  const { code, seen } = await terminal.ended();
  expect({ code, shown: seen.includes("waiting") || seen.includes("\u001b") }).toEqual({
    code: 0,
    shown: false,
  });
});

test("without a terminal no waiting line is printed", async () => {
  const { url, asked } = await startApi();
  const answer = cli({ LOCKSTEP_URL: url }, "refresh", "acme/app");
  (await asked()).end(JSON.stringify({ repository: { state: "fresh" } }));
  expect(await answer).toEqual({ code: 0, out: "acme/app fresh\n", err: "" });
});
