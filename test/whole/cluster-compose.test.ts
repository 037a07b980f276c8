import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { aliveBy } from "../../tools/cluster/world.js";
import { freePort, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

interface Service {
  command?: string;
  environment?: Record<string, string>;
}

/** The compose file that docs/cluster.md shows. */
function composeOfDocs(): Record<string, Service> {
  const text = readFileSync(new URL("../../docs/cluster.md", import.meta.url), "utf8");
  const [, yaml = ""] = /```yaml\n(services:\n[\s\S]*?)```/.exec(text) ?? [];
  return (parse(yaml, { merge: true }) as { services: Record<string, Service> }).services;
}

async function startRedisWith(command: string): Promise<number> {
  const port = await freePort();
  const [program, ...args] = command.split(" ");
  const child = spawn(program!, [...args, "--port", String(port), "--dir", tempDir()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise<void>((resolve) =>
    child.stdout.on("data", (text: Buffer) => {
      if (/ready to accept connections/i.test(String(text))) resolve();
    }),
  );
  return port;
}

test("the compose file of docs/cluster.md starts two nodes that know each other, with its settings alone", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const { redis, ...services } = composeOfDocs();
  const redisPort = await startRedisWith(redis!.command!);
  const given: Record<string, string> = {
    ...standin.env(),
    API_TOKEN: "token-of-the-tests-0123456789",
    CLUSTER_SECRET: "a-secret-of-all-nodes-in-tests",
  };
  const ports = new Map<string, number>();
  for (const name of Object.keys(services)) ports.set(name, await freePort());
  /** What compose fills in, and what the network of compose resolves. */
  const fill = (text: string) =>
    text
      .replace(/\$\{(\w+)[^}]*\}/g, (_, name: string) => given[name] ?? "")
      .replace("redis://redis:6379", `redis://127.0.0.1:${redisPort}`)
      .replace(/http:\/\/(node-\d):3000/, (_, name: string) => `http://127.0.0.1:${ports.get(name)}`);
  const nodes = await Promise.all(
    Object.entries(services).map(async ([name, { environment = {} }]) => {
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, fill(String(value))]),
      );
      const lockstep = await startLockstep({
        standin,
        dataDir: tempDir(),
        port: ports.get(name)!,
        env,
        readyTimeoutMs: 120_000,
      });
      onTestFinished(async () => void (await lockstep.kill9()));
      return { lockstep };
    }),
  );
  expect(nodes).toHaveLength(2);
  for (const node of nodes) await expect.poll(() => aliveBy(node)).toBe(2);
});
