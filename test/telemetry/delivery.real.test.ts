import { expect, onTestFinished, test, vi } from "vitest";
import { OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.js";
import { World } from "../support/world.js";

const GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
const TRACE = GUID.replaceAll("-", "");

async function observed(env: Record<string, string> = {}) {
  const receiver = await OtlpReceiver.start();
  const world = await World.create({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env });
  return { receiver, world };
}

test("a delivery's way is one trace: received, queued, refreshed with git, published", async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer of-the-receiver");
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
  const { receiver, world } = await observed({ CHECKOUTS: "acme/site", OTEL_METRIC_EXPORT_INTERVAL: "1000" });
  const repo = await world.standin.createRepository("acme", "site");
  await world.start(repo);
  await world.line(({ event }) => event === "published");
  await world.deliver(await world.standin.commit(repo, "main"), GUID);
  await world.inStep(repo);

  const publish = await receiver.span("publish", TRACE);
  const ofTrace = receiver.spans.filter(({ traceId }) => traceId === TRACE);
  const named = (name: string) => ofTrace.filter((span) => span.name === name);
  const [first] = named("receive");
  expect(first).toMatchObject({
    attributes: {
      "lockstep.delivery": GUID,
      "lockstep.event": "push",
      "lockstep.via": "webhook",
      "lockstep.repository": "acme/site",
    },
  });
  expect(first!.parentSpanId ?? "").toBe("");
  const [queue, refresh] = [named("queue")[0]!, named("refresh")[0]!];
  expect([queue.parentSpanId, refresh.parentSpanId]).toEqual([first!.spanId, first!.spanId]);
  expect(refresh.attributes).toMatchObject({
    "lockstep.repository": "acme/site",
    "lockstep.trigger": "push",
    "lockstep.result": "changed",
    "lockstep.changed": 1,
  });
  expect(publish.parentSpanId).toBe(refresh.spanId);
  const git = ofTrace.filter(({ name }) => name.startsWith("git "));
  const parents = new Set(git.map(({ parentSpanId }) => parentSpanId));
  expect(parents).toEqual(new Set([refresh.spanId, publish.spanId]));
  for (const { startTimeUnixNano, endTimeUnixNano } of ofTrace)
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));

  expect(receiver.resource).toMatchObject({
    "service.name": "lockstep",
    "deployment.environment.name": "test",
  });
  expect(receiver.requests.every(({ headers }) => headers.authorization === "Bearer of-the-receiver")).toBe(
    true,
  );
  expect(JSON.stringify(receiver.spans)).not.toContain("ghs_");

  // The metrics are those of /metrics.
  const metrics = (await receiver.until(
    () => receiver.metrics.get("lockstep_delivery_to_fresh_seconds") as { histogram: object } | undefined,
  )) as { histogram: { dataPoints: object[] } };
  expect(metrics.histogram.dataPoints).toHaveLength(1);
  expect([...receiver.metrics.keys()]).toContain("lockstep_repositories");
});

test("a refresh that fails is an error with its code, and the next try is in the same trace", async () => {
  const { receiver, world } = await observed({ OTEL_METRICS_EXPORTER: "none" });
  const repo = await world.standin.createRepository("acme", "site");
  await world.start(repo);
  world.standin.faults.gitStatus = { status: 500, times: 1_000 };
  await world.deliver(await world.standin.commit(repo, "main"), GUID);
  const ofTrace = (fits: (span: ReceivedSpan) => boolean) =>
    receiver.until(() => receiver.spans.find((span) => span.traceId === TRACE && fits(span)));
  const refresh = await ofTrace(({ name, status }) => name === "refresh" && status.code === 2);
  expect(refresh.attributes["error.type"]).toBe("upstream_error");
  expect(receiver.metrics.size).toBe(0);
  world.standin.faults.gitStatus = undefined;
  const again = await ofTrace(({ attributes }) => attributes["lockstep.result"] === "changed");
  expect(Number(again.attributes["lockstep.attempt"])).toBeGreaterThan(1);
});

test("a receiver that refuses delays nothing, and is told in the log once, and once when it takes traces again", async () => {
  const { receiver, world } = await observed({ OTEL_METRICS_EXPORTER: "none" });
  receiver.status = 400;
  const repo = await world.standin.createRepository("acme", "site");
  await world.start(repo);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  const line = await world.line(({ event }) => event === "telemetry_not_sent");
  expect(line).toMatchObject({ level: "warn", what: "traces" });
  receiver.status = 200;
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.line(({ event }) => event === "telemetry_sent_again");
  expect(world.log.filter(({ event }) => event === "telemetry_not_sent")).toHaveLength(1);
});

test("always_off sends no trace, and a gRPC endpoint is told in the log", async () => {
  const { receiver, world } = await observed({
    OTEL_TRACES_SAMPLER: "always_off",
    OTEL_METRICS_EXPORTER: "none",
  });
  const repo = await world.standin.createRepository("acme", "site");
  await world.start(repo);
  await world.stop();
  expect(receiver.requests).toEqual([]);
  await world.start({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
  expect(world.log.find(({ event }) => event === "telemetry_off")).toMatchObject({
    reason: expect.stringContaining("http/json"),
  });
});
