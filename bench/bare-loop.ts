import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { LOOKS_MS } from "./event-loop.js";

// The process that startBareLoop starts.
const SLICE_MS = 5;

const delay = monitorEventLoopDelay({ resolution: LOOKS_MS });
delay.enable();

setInterval(() => {
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end);
}, 2 * SLICE_MS);

process.on("message", () => {
  process.send?.(delay.max / 1e6 - LOOKS_MS);
  delay.reset();
});
process.on("disconnect", () => process.exit());
