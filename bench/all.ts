import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Releasers } from "../tools/releasers.js";
import { parseOptions, runTool, UsageError } from "../tools/run-tool.js";
import { bold, print, red } from "../tools/terminal.js";
import { describeMachine } from "./results/machine.js";
import { publish } from "./results/publish.js";
import type { Outcome } from "./results/result.js";
import { commandOf, SUBJECTS, type Subject } from "./results/subjects.js";
import { workDir } from "./run.js";

const HELP = `Usage: npm run bench [-- --only refresh,load]

Runs every benchmark, which takes about an hour on a machine that has nothing else to do, and writes the figures of each
into docs/benchmarks.md as soon as it has ended, and the charts into docs/images. A benchmark that fails keeps its last
figures.

  --only <list>  these benchmarks: ${SUBJECTS.map(({ name }) => name).join(", ")}
  --render       runs none, and writes docs/benchmarks.md from bench/results`;

const releasers = new Releasers();
runTool(releasers, async () => {
  const options = {
    only: { type: "string" },
    render: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  } as const;
  const { only, render, help } = parseOptions(process.argv.slice(2), options);
  if (help) {
    print(HELP);
    return 0;
  }
  const subjects = chosen(only);
  const failed: string[] = [];
  // What else runs is asked for before the benchmarks themselves keep the machine busy.
  const machine = await describeMachine();
  if (!render)
    for (const subject of subjects) if (!(await measure(subject, machine))) failed.push(subject.name);
  publish();
  if (failed.length === 0) return 0;
  print(red(`failed: ${failed.join(", ")}. Run them alone to see why: npm run bench:${failed[0]}`));
  return 1;
});

function chosen(only: string | undefined): Subject[] {
  if (only === undefined) return SUBJECTS;
  return only.split(",").map((name) => {
    const subject = SUBJECTS.find((one) => one.name === name);
    if (!subject) throw new UsageError(`there is no benchmark "${name}"; see npm run bench -- --help`);
    return subject;
  });
}

/** @returns whether the benchmark has ended well, and its figures are written */
async function measure(subject: Subject, machine: string): Promise<boolean> {
  const command = commandOf(subject);
  print(bold(`\n${command}`));
  const file = join(await workDir(releasers), "results.json");
  const script = new URL(`./${subject.name}.js`, import.meta.url).pathname;
  const child = spawn(process.execPath, [script, ...subject.args, "--results", file], { stdio: "inherit" });
  releasers.add(() => void child.kill());
  const [code] = await once(child, "close");
  if (code !== 0) return false;
  const outcome = JSON.parse(readFileSync(file, "utf8")) as Outcome;
  const result = { date: new Date().toISOString().slice(0, 10), machine, command, ...outcome };
  writeFileSync(join("bench", "results", `${subject.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  publish();
  return true;
}
