import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

test("/metrics counts what happens, and needs the token", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const env = { API_TOKEN: "token-of-the-tests-0123456789", INTERVAL: "off" };
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  const push = await standin.commit(repo, "main");
  await standin.deliver(push, { to: lockstep.webhookUrl });
  await lockstep.waitForLog((line) => line.event === "refreshed" && line.trigger === "push");
  await standin.deliver(push, { to: lockstep.webhookUrl, secret: "wrong" });

  expect((await fetch(`${lockstep.url}/metrics`)).status).toBe(401);
  const answer = await lockstep.api("/metrics");
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0.0.4/);
  const lines = (await answer.text()).split("\n");
  expect(lines).toContain('lockstep_deliveries_total{outcome="accepted",event="push"} 1');
  expect(lines).toContain('lockstep_deliveries_total{outcome="bad_signature",event=""} 1');
  expect(lines).toContain('lockstep_refreshes_total{trigger="onboard",result="cloned"} 1');
  expect(lines).toContain("lockstep_delivery_to_fresh_seconds_count 1");
  expect(lines).toContain('lockstep_repositories{state="fresh"} 1');
  expect(lines).toContain("lockstep_queue_depth 0");
  expect(lines).toContain("lockstep_tokens_minted_total 1");
  expect(lines.some((line) => /^lockstep_upstream_request_seconds_count [1-9]/.test(line))).toBe(true);
  expect(lines.some((line) => /^lockstep_github_api_calls_total [1-9]/.test(line))).toBe(true);
  const bytes = lines.find((line) => line.startsWith("lockstep_upstream_received_bytes_total"));
  expect(Number(bytes?.split(" ")[1])).toBeGreaterThan(100);
  expect(lines.some((line) => line.startsWith('lockstep_github_rate_limit_remaining{whose="app"}'))).toBe(
    true,
  );
  expect(lines.some((line) => /^lockstep_upstream_connections_total\{host="127/.test(line))).toBe(true);
});
