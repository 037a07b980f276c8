/** The cost of one pass over the repositories. */
export interface Figures {
  restCalls: number;
  gitRequests: number;
  /** The number of git commands that were started; the children of git are not counted. */
  processes: number;
  seconds: number;
  /** The CPU time of the Lockstep process, user and system. */
  cpuSeconds?: number;
  /** The memory of the Lockstep process, in bytes. */
  peakMemory?: number;
}

export interface Result {
  repositories: number;
  sweep: Figures;
  fetchAll: Figures;
  /** The number of repositories that the second way was measured on. */
  fetched: number;
}

const HEADING = [
  "repositories",
  "way",
  "REST calls",
  "git requests",
  "git processes",
  "seconds",
  "CPU seconds",
  "peak memory",
];

/** Returns the rows of a table of all results. */
export function tableOf(results: Result[]): string[][] {
  const rows = results.flatMap(({ repositories, sweep, fetchAll, fetched }) => {
    const scaled = fetched < repositories ? `, measured on ${fetched.toLocaleString("en")}` : "";
    return [
      cells(repositories, "Lockstep's sweep", sweep),
      cells(repositories, `git fetch of each${scaled}`, times(fetchAll, repositories / fetched)),
    ];
  });
  return [HEADING, ...rows];
}

const times = (figures: Figures, factor: number): Figures => ({
  restCalls: Math.round(figures.restCalls * factor),
  gitRequests: Math.round(figures.gitRequests * factor),
  processes: Math.round(figures.processes * factor),
  seconds: figures.seconds * factor,
});

function cells(repositories: number, way: string, figures: Figures): string[] {
  const { restCalls, gitRequests, processes, seconds, cpuSeconds, peakMemory } = figures;
  return [
    repositories.toLocaleString("en"),
    way,
    ...[restCalls, gitRequests, processes].map((count) => count.toLocaleString("en")),
    ...[seconds, cpuSeconds].map((value) => (value === undefined ? "" : value.toFixed(1))),
    peakMemory === undefined ? "" : `${Math.round(peakMemory / 2 ** 20)} MiB`,
  ];
}
