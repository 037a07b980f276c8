import { callAtFullSpeed, callAtRate, type Order } from "./webhook-calls.js";

// The process that calls: whatever else the benchmark does must not delay its clock.
process.on("message", async ({ port, deliveries, connections, forMs, perSecond }: Order) => {
  const prepared = deliveries.map(({ before, after }) => ({
    before: Buffer.from(before, "base64"),
    after: Buffer.from(after, "base64"),
  }));
  const target = { port, prepared };
  const calls =
    perSecond === undefined
      ? await callAtFullSpeed(target, { connections, forMs })
      : await callAtRate(target, { connections, forMs, perSecond });
  process.send?.({ ...calls, refused: [...calls.refused] });
});
process.on("disconnect", () => process.exit());
