import type { Chart } from "./charts.js";
import type { Result } from "./result.js";

interface Refresh {
  scenarios: { name: string; rows: { way: string; medianMs: number }[] }[];
}

interface Load {
  atRest: { cpuMs: number; hookCpuMs: number };
}

/** What a reader of the README compares; the other scenarios are in the table. */
const SHOWN = ["HTTP, 50,000 refs", "TLS, 1,000 refs, 30 ms away"];
const OURS = "Lockstep";

/** Returns the charts whose figures are there, by the names of their files. */
export function chartsOf(results: ReadonlyMap<string, Result>): Map<string, Chart> {
  const charts = new Map<string, Chart>();
  const refresh = results.get("refresh")?.figures as Refresh | undefined;
  if (refresh) charts.set("benchmark-lag.svg", lagOf(refresh));
  const load = results.get("load")?.figures as Load | undefined;
  if (load) charts.set("benchmark-cost.svg", costOf(load));
  return charts;
}

const lagOf = ({ scenarios }: Refresh): Chart => ({
  title: "From a push to the mirror, median",
  unit: "ms",
  groups: scenarios
    .filter(({ name }) => SHOWN.includes(name))
    .map(({ name, rows }) => ({
      name,
      bars: rows.map(({ way, medianMs }) => ({ name: way, value: medianMs, isOurs: way === OURS })),
    })),
});

const costOf = ({ atRest: { cpuMs, hookCpuMs } }: Load): Chart => ({
  title: "Processor time of a small push, all processes",
  unit: "ms",
  groups: [
    {
      name: "one commit of three objects",
      bars: [
        { name: OURS, value: cpuMs, isOurs: true },
        { name: "a hook that runs git fetch", value: hookCpuMs, isOurs: false },
      ],
    },
  ],
});
