import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Releasers } from "../tools/releasers.js";
import { formatMs, median } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { delivered } from "./delivered.js";
import { runBench, workDir } from "./run.js";
import { treeWays } from "./tree-ways.js";
import { makeUpstream } from "./upstream.js";

const HELP = `Usage: npm run bench:publish [-- --files 1000,10000,50000 --changes 1,10 --rounds 11 --pushes 30]

What it costs to publish a commit: ways to bring a working tree from one commit to the next, by the size of the
tree and the number of files that change. Ratios are to git checkout in one plain working tree, on the same
commits. Then whole Lockstep: from the delivery to the mirror, and to the published tree.

  --only <name>  ways or deliveries`;

interface Row {
  files: number;
  changes: number;
  way: string;
  medianMs: number;
  ratio: number;
}

const releasers = new Releasers();

runBench(releasers, {
  help: HELP,
  options: {
    files: { type: "string", default: "1000,10000,50000" },
    changes: { type: "string", default: "1,10" },
    rounds: { type: "string", default: "11" },
    pushes: { type: "string", default: "30" },
    only: { type: "string" },
  },
  async measure(values, report) {
    const dir = await workDir(releasers);
    const numbers = (text: string) => text.split(",").map(Number);
    const isMeasured = (name: string) => values.only === undefined || values.only === name;
    const rows: Row[] = [];
    const arrivals = [];
    for (const files of numbers(values.files)) {
      for (const changes of isMeasured("ways") ? numbers(values.changes) : []) {
        const place = join(dir, `${files}-${changes}`);
        rows.push(...(await compare(place, files, changes, Number(values.rounds))));
        await rm(place, { recursive: true, force: true });
      }
      if (!isMeasured("deliveries")) continue;
      progress(`${files} files: deliveries …`);
      arrivals.push({
        files,
        ...(await delivered(join(dir, `${files}`), files, Number(values.pushes), releasers)),
      });
    }
    if (rows.length > 0) report.table(tableOf(rows), "Files in the tree / changed files");
    const cells = arrivals.map(({ files, mirrorMs, treeMs }) => [
      files.toLocaleString("en"),
      formatMs(mirrorMs),
      formatMs(treeMs),
      `${(treeMs / mirrorMs).toFixed(2)}×`,
    ]);
    const heading = ["files in the tree", "mirror", "published tree", "ratio"];
    if (cells.length > 0) report.table([heading, ...cells], "From the delivery to");
    return { trees: rows, deliveries: arrivals };
  },
});

async function compare(dir: string, files: number, changes: number, rounds: number): Promise<Row[]> {
  const name = `${files.toLocaleString("en")} files, ${changes} changed`;
  progress(`${name}: setting up …`);
  const upstream = makeUpstream(join(dir, "upstream.git"), files, changes, rounds + 2);
  const ways = await treeWays(dir, upstream);
  const taken = new Map(ways.map((way) => [way.name, [] as number[]]));
  for (let round = 1; round < upstream.commits.length; round += 1) {
    progress(`${name}: commit ${round} of ${upstream.commits.length - 1} …`);
    for (let turn = 0; turn < ways.length; turn += 1) {
      const way = ways[(round + turn) % ways.length]!;
      const startedAt = performance.now();
      await way.publish(upstream.commits[round - 1]!, upstream.commits[round]!);
      // The first two rounds warm the caches, and move both trees of a pool on from the first commit.
      if (round > 2) taken.get(way.name)!.push(performance.now() - startedAt);
      way.tidy?.();
    }
  }
  const base = median(taken.get(ways.at(-1)!.name)!);
  return [...taken].map(([way, times]) => {
    const medianMs = median(times);
    return { files, changes, way, medianMs, ratio: medianMs / base };
  });
}

function tableOf(rows: Row[]): string[][] {
  const names = [...new Set(rows.map(({ way }) => way))];
  const columns = [
    ...new Map(
      rows.map(({ files, changes }) => [`${files.toLocaleString("en")}/${changes}`, { files, changes }]),
    ),
  ];
  const cells = names.map((name) => [
    name,
    ...columns.map(([, at]) => {
      const row = rows.find((it) => it.way === name && it.files === at.files && it.changes === at.changes)!;
      return `${formatMs(row.medianMs)} ${row.ratio.toFixed(2)}×`;
    }),
  ]);
  return [["way", ...columns.map(([head]) => head)], ...cells];
}
