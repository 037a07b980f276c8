/** A benchmark, as npm run bench runs it. */
export interface Subject {
  /** The name of its script, bench:<name>. */
  name: string;
  /** Options of the published run. */
  args: string[];
}

/** In the order of docs/benchmarks.md. */
export const SUBJECTS: Subject[] = [
  { name: "refresh", args: [] },
  { name: "load", args: ["--pushes", "150"] },
  { name: "refs", args: [] },
  { name: "by-name", args: [] },
  { name: "backstop", args: [] },
  { name: "upkeep", args: [] },
  { name: "publish", args: ["--only", "deliveries", "--pushes", "100"] },
  { name: "extent", args: [] },
  { name: "receiver", args: [] },
  { name: "onboarding", args: [] },
  { name: "cold-start", args: [] },
  { name: "recovery", args: [] },
  { name: "page", args: ["--times", "25"] },
  { name: "serving", args: [] },
  { name: "herd", args: [] },
  { name: "queue", args: [] },
  { name: "blocking", args: [] },
  { name: "blocking-live", args: [] },
  { name: "sqlite", args: [] },
  { name: "calls", args: [] },
  { name: "nodes", args: [] },
  { name: "scale", args: [] },
];

/** The command that makes the published figures of a subject. */
export const commandOf = ({ name, args }: Subject): string =>
  [`npm run bench:${name}`, ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
