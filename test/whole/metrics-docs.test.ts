import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { openNetwork, startRedis } from "../support/redis.js";
import { tempDir } from "../support/temp.js";

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: { summary?: string; description?: string };
}
type Metrics = Map<string, { type: string; labels: string[] }>;

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** Metrics of Prometheus itself or of prom-client's defaults. */
const OTHERS = ["up", "process_resident_memory_bytes", "nodejs_eventloop_lag_p99_seconds"];
/** Every series may have these labels. */
const LABELS_OF_ALL = ["instance", "job", "le"];

test("docs/metrics.md lists what a running Lockstep serves, and nothing else", async () => {
  const { text, metrics: served } = await scrape();
  const documented = documentedMetrics();
  expect([...documented.keys()].sort()).toEqual([...served.keys()].sort());
  for (const [name, { type, labels }] of served) {
    expect(documented.get(name)?.type, name).toBe(type);
    if (labels.length > 0) expect(documented.get(name)?.labels, name).toEqual(labels);
  }
  for (const name of OTHERS.slice(1)) expect(text).toContain(`\n${name} `);
});

test("every expression of the alerts parses, uses known metrics, and has a remedy", () => {
  const { groups } = parse(read("docs/prometheus/alerts.yml")) as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(5);
  for (const { alert, expr, labels, annotations } of rules) {
    expectKnown(expr, alert);
    expect(["critical", "warning"], alert).toContain(labels.severity);
    expect(annotations.summary, alert).toBeTruthy();
    expect(annotations.description?.length, alert).toBeGreaterThan(60);
  }
});

test("every panel of the dashboard parses and uses known metrics", () => {
  const { panels } = JSON.parse(read("docs/grafana/lockstep.json")) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const expressions = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
  expect(expressions.length).toBeGreaterThan(10);
  for (const { title, expr } of expressions) expectKnown(expr.replaceAll("$__rate_interval", "5m"), title);
  const shown = expressions.map(({ expr }) => expr).join("\n");
  for (const name of documentedMetrics().keys()) expect(shown, name).toContain(name);
});

async function scrape(): Promise<{ text: string; metrics: Metrics }> {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  // A node of a cluster has all metrics of a Lockstep that is alone, and some more.
  const env = {
    API_TOKEN: "token-of-the-tests-0123456789",
    INTERVAL: "off",
    LFS: "yes",
    NODE_NAME: "a",
    NODE_URL: "http://127.0.0.1:1",
    CLUSTER_SECRET: "a-secret-of-all-nodes-in-tests",
    REDIS_URL: (await openNetwork((await startRedis()).url)).url,
  };
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  await standin.pushAndDeliver(repo, "main", lockstep.webhookUrl);
  await lockstep.waitForLog((line) => line.event === "refreshed" && line.trigger === "push");
  const text = await (await lockstep.api("/metrics")).text();
  return { text, metrics: served(text) };
}

/** Labels of metrics without a sample are unknown: []. */
function served(text: string): Metrics {
  const types = [...text.matchAll(/^# TYPE (lockstep_\w+) (\w+)$/gm)];
  return new Map(
    types.map(([, name, type]) => {
      const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, "m").exec(text)?.[1] ?? "";
      const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label]) => label!);
      return [name!, { type: type!, labels: labels.filter((it) => !LABELS_OF_ALL.includes(it)).sort() }];
    }),
  );
}

function documentedMetrics(): Metrics {
  const rows = [...read("docs/metrics.md").matchAll(/^\| `(\w+)` +\| (\w+) +\|([^|]*)\|/gm)];
  return new Map(
    rows.map(([, name, type, labels]) => [
      name!,
      { type: type!, labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).sort() },
    ]),
  );
}

function expectKnown(expr: string, where: string): void {
  const documented = documentedMetrics();
  const allLabels = [...LABELS_OF_ALL, ...[...documented.values()].flatMap(({ labels }) => labels)];
  parser.parse(expr).iterate({
    enter({ type, from, to, node }) {
      const word = expr.slice(from, to);
      expect(type.isError, `${where}: no PromQL at "${expr.slice(from)}"`).toBe(false);
      if (type.name === "LabelName") expect(allLabels, where).toContain(word);
      if (type.name !== "Identifier" || node.parent?.name !== "VectorSelector") return;
      const known = OTHERS.includes(word) || documented.has(word.replace(/_(bucket|sum|count)$/, ""));
      expect(known, `${where}: ${word}`).toBe(true);
    },
  });
}
