import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../tools/browser.js";
import { inventFigures } from "../tools/invented-figures.js";
import { freePort, type Lockstep, startLockstep } from "../tools/lockstep.js";
import { Releasers } from "../tools/releasers.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { formatMs, median, percentile } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { measureHeaders } from "./delivery-headers.js";
import { addRepositories, nameOf } from "./many-repositories.js";
import { createMeter } from "./metered.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:page [-- --repositories <n> --times <n>]

What the page costs a running Lockstep with many repositories: processor time of a first page of each view, of a live update
after a push, and of 50 open pages that ask for it at once, of all threads of the process; and when a real Chromium has
painted the page. Beside it stands a bare Node that sends the same bytes. Then what the headers of a delivery, which the page shows, cost when it is recorded.

  --repositories <n>  default 10000
  --times <n>         how often each is asked for; default 60
  --only <view>       one view alone, such as /deliveries`;

const OPTIONS = {
  repositories: { type: "string", default: "10000" },
  times: { type: "string", default: "60" },
  only: { type: "string" },
} as const;

const API_TOKEN = "token-of-the-benchmark-0123456789";
const VIEWS = ["/", "/repositories", `/repos/acme/${nameOf(7)}`, "/deliveries", "/server"];
/** The first requests compile the code. */
const WARM = 20;
/** The script of an open page asks so long after it was told of a change. */
const SOON_MS = 300;
const MANY = 50;

interface Row {
  view: string;
  kilobytes: number;
  first: number[];
  live: number[];
  /** What a live update costs when 50 pages ask for it at once. */
  many: number[];
  bare: number[];
  paintMs: number[];
  barePaintMs: number[];
}

/** Signs in as a browser does. @returns the cookie */
async function signIn(url: string): Promise<string> {
  const answer = await fetch(`${url}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url },
    body: new URLSearchParams({ token: API_TOKEN }),
  });
  return (answer.headers.get("set-cookie") ?? "").split(";")[0]!;
}

/** An open page: what its script sends, which are the parts that it has, and what an update changes in that. */
function openPage(text: string) {
  const parts = new Map<string, string>();
  const update = (fresh: string) => {
    for (const [, name, mark] of fresh.matchAll(/data-live="(\w+)" data-version="(\w+)"/g))
      parts.set(name!, mark!);
  };
  update(text);
  return { update, known: () => [...parts].map((part) => part.join("=")).join() };
}

async function push(standin: StandIn, lockstep: Lockstep, repo: Repo): Promise<void> {
  const { id } = await standin.deliver(await standin.commit(repo, "main"), { to: lockstep.webhookUrl });
  await lockstep.waitForLog(({ event, deliveryId }) => event === "refreshed" && deliveryId === id, 10_000);
}

/** @returns when the browser has painted something of the page, in milliseconds after it was asked for */
async function paint(browser: Browser, url: string, cookie: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const [name = "", value = ""] = cookie.split("=");
  if (name) await context.addCookies([{ name, value, url }]);
  const tab = await context.newPage();
  await tab.goto(url);
  const ms = await tab.evaluate(`new Promise((resolve) => {
    new PerformanceObserver((list) => {
      for (const { name, startTime } of list.getEntries())
        if (name === "first-contentful-paint") resolve(startTime);
    }).observe({ type: "paint", buffered: true });
  })`);
  await context.close();
  return Number(ms);
}

async function startBare(releasers: Releasers, dir: string, lockstep: Lockstep, view: string, text: string) {
  const file = join(dir, "page.html");
  writeFileSync(file, text);
  const meter = createMeter(dir, `bare-${VIEWS.indexOf(view)}`);
  const port = await freePort();
  const script = new URL("./bare-page.js", import.meta.url);
  const child = fork(script, [String(port), file], {
    env: { ...process.env, ...meter.env, ASSETS_OF: lockstep.url },
  });
  releasers.add(() => void child.kill());
  await once(child, "message");
  return { url: `http://127.0.0.1:${port}`, meter };
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: OPTIONS,
  async measure(values, report) {
    const times = Number(values.times);
    const dir = await workDir(releasers);
    const standin = await startStandIn();
    releasers.add(() => standin.close());
    const repo = await standin.createRepository("octo-org", "app");
    const meter = createMeter(dir, "lockstep");
    const env = { INTERVAL: "24h", API_TOKEN, ...meter.env };
    const dataDir = join(dir, "data");
    const lockstep = await startLockstep({ standin, dataDir, env });
    releasers.add(() => lockstep.stop());
    await lockstep.waitForLog(({ event, result }) => event === "refreshed" && result === "cloned", 60_000);
    progress("filling the database …");
    addRepositories(join(dataDir, "lockstep.db"), Number(values.repositories));
    inventFigures(join(dataDir, "lockstep.db"));
    const browser = await launchBrowser();
    releasers.add(() => browser.close());
    const cookie = await signIn(lockstep.url);
    const rows: Row[] = [];
    for (const view of VIEWS.filter((one) => values.only === undefined || one === values.only)) {
      progress(`${view} …`);
      const url = lockstep.url + view;
      const { text } = await meter.ask(url, { cookie });
      const row: Row = {
        view,
        kilobytes: text.length / 1_024,
        first: [],
        live: [],
        many: [],
        bare: [],
        paintMs: [],
        barePaintMs: [],
      };
      const bare = await startBare(releasers, dir, lockstep, view, text);
      const note = (all: number[], { ms }: { ms: number }, n: number) => void (n < WARM || all.push(ms));
      for (let n = 0; n < WARM + times; n++) {
        await push(standin, lockstep, repo);
        note(row.first, await meter.ask(url, { cookie }), n);
        note(row.bare, await bare.meter.ask(bare.url, {}), n);
      }
      const page = openPage(text);
      for (let n = 0; n < WARM + 2 * times; n++) {
        await push(standin, lockstep, repo);
        await sleep(SOON_MS);
        const headers = { cookie, "x-known-parts": page.known() };
        const [all, atOnce] = n % 2 === 0 ? [row.live, 1] : [row.many, MANY];
        const live = await meter.ask(url, headers, { atOnce });
        note(all, live, n);
        page.update(live.text);
      }
      for (let n = 0; n < 10; n++) {
        row.paintMs.push(await paint(browser, url, cookie));
        row.barePaintMs.push(await paint(browser, bare.url, ""));
      }
      rows.push(row);
    }
    progress("deliveries …");
    const { withHeaders, without } = measureHeaders(join(dir, "deliveries"));
    const both = (all: number[]) => `${formatMs(median(all))}, ${formatMs(percentile(all, 0.95))}`;
    const cells = rows.map(({ view, kilobytes, first, live, many, bare, paintMs, barePaintMs }) => [
      view,
      `${Math.round(kilobytes)} KiB`,
      ...[first, live, many, bare, paintMs, barePaintMs].map(both),
    ]);
    const heading = [
      "view",
      "size",
      "first page",
      "live update",
      `${MANY} at once`,
      "a bare Node",
      "painted after",
      "of a bare Node",
    ];
    report.table([heading, ...cells]);
    report.text("Median, 95th percentile; the first four in time of the processor.");
    const micros = (all: number[]) => `${Math.round(median(all))} µs`;
    report.text(
      `Recording a delivery: ${micros(withHeaders)} with the headers of its webhook, ${micros(without)} without`,
    );
    return { rows, delivery: { withHeaders, without } };
  },
});
