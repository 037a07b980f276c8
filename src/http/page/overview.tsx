import type { Context, Hono } from "hono";
import type { ApiPorts } from "../api.js";
import type { StatusView } from "../status-view.js";
import { findSpan, Span } from "../trends.js";
import { sharesOf } from "../verdict.js";
import { Activity } from "./activity.js";
import { AttentionBox } from "./attention.js";
import { Charts, Figures, SPANS } from "./charts.js";
import { explain } from "./explain.js";
import { type FirstSteps, isEmpty, NoRepository, NoWebhook } from "./first-steps.js";
import { page } from "./layout.js";
import { forecastOf, Meters } from "./meters.js";
import { Live } from "./part.js";
import { MissingNodes } from "./parts.js";
import { Rows } from "./rows.js";
import { VerdictBox } from "./standing.js";

const EVENTS = 8;
const ROWS = 8;
const LIMITS = 3;
/** The fields of an address that the list of repositories had when it was at `/`. */
const MOVED = ["state", "name", "installation", "cursor"];

/** Shows at a glance how all is, what to do, how the last time went and what was done last. */
export function addOverviewPage(app: Hono, ports: ApiPorts, first: FirstSteps): void {
  app.get("/", async (context) => {
    const query = context.req.query();
    if (MOVED.some((field) => field in query))
      return context.redirect(`/repositories${new URL(context.req.url).search}`, 301);
    const span = findSpan(query);
    if (span instanceof Response) return explain(context, "/", span);
    const status = await ports.status();
    if (status.state === "empty" && isEmpty(status)) return begin(context, status, await first.installUrl());
    return overview(context, ports, { status, span, webhook: first.webhook });
  });
  app.get("/trends", (context) => {
    const span = findSpan(context.req.query());
    if (span instanceof Response) return explain(context, "/", span);
    const trends = ports.trends(span);
    return page(
      context,
      { title: "Figures", here: "/" },
      <>
        <div class="title">
          <h1>Figures</h1>
          <Spans path="/trends" here={span} />
        </div>
        <Live name="figures" of={trends}>
          <Figures of={trends} />
        </Live>
      </>,
    );
  });
}

/** Shows an overview without figures, because there is nothing yet that could have some. */
const begin = (context: Context, status: StatusView, installUrl: string | null) =>
  page(
    context,
    { title: "Overview", here: "/" },
    <Live name="begin">
      <VerdictBox of={status} isBrief />
      <AttentionBox of={status} here="/" />
      <NoRepository of={status} installUrl={installUrl} />
    </Live>,
  );

interface Shown {
  status: StatusView;
  span: Span;
  webhook: string;
}

async function overview(context: Context, ports: ApiPorts, { status, span, webhook }: Shown) {
  const trends = ports.trends(span);
  const worst = await ports.ranked({
    order: "worst",
    isHeld: false,
    page: 1,
    limit: ROWS,
    state: null,
    name: null,
    installationId: null,
  });
  const done = await ports.activity(EVENTS, null);
  const forecast = forecastOf(ports.trends("week"));
  const here = span === "day" ? "/" : `/?span=${span}`;
  return page(
    context,
    { title: "Overview", here: "/" },
    <>
      <Live name="verdict" once={status} variant={`${here} ${webhook}`}>
        <VerdictBox of={status} />
        <MissingNodes of={status.missing} />
        <NoWebhook of={status} webhook={webhook} />
        <AttentionBox of={status} here={here} />
        <Tiles of={status} />
      </Live>
      <div class="title">
        <h2>The last {span}</h2>
        <Spans path="/" here={span} />
        <a class="small" href={`/trends?span=${span}`}>
          as a table
        </a>
      </div>
      <Live name="charts" of={trends}>
        <Charts of={trends} />
      </Live>
      <div class="two">
        <Live name="activity" of={done}>
          <Activity title="Just now" of={done} />
        </Live>
        <Live name="meters" once={status} variant={JSON.stringify(forecast)}>
          <Meters of={status} forecast={forecast} most={LIMITS} />
        </Live>
      </div>
      <Live name="worst" of={[here, worst]}>
        <section class="box" aria-labelledby="worst">
          <div class="head">
            <h2 id="worst">
              Repositories <span class="dim small">worst first</span>
            </h2>
            <a href="/repositories">All {worst.total.toLocaleString("en")}</a>
          </div>
          <Rows of={worst.repositories} here={here} caption="The repositories that are worst off" />
        </section>
      </Live>
    </>,
  );
}

const Spans = ({ path, here }: { path: string; here: Span }) => (
  <nav class="chips" aria-label="Span">
    {Span.options.map((span) => (
      <a href={`${path}?span=${span}`} aria-current={span === here ? "true" : undefined}>
        {SPANS[span]}
      </a>
    ))}
  </nav>
);

/** Counts by state; each leads to its repositories. */
const TILES = [
  ["fresh", "In step"],
  ["failing", "Failing"],
  ["behind", "Waiting for GitHub"],
  ["onboarding", "Not cloned yet"],
  ["incomplete", "Incomplete"],
  ["suspended", "Suspended"],
  ["paused", "Paused"],
] as const;
/** These are shown also when there is none. */
const ALWAYS: readonly string[] = ["fresh", "failing"];

/** What was in step before an outage may not be so now. */
const nameOf = (state: string, name: string, { outages }: StatusView["queue"]) =>
  state === "fresh" && outages.length > 0 ? "In step until then" : name;

function Tiles({ of: status }: { of: StatusView }) {
  const { repositories, queue } = status;
  const { inStep, held } = sharesOf(status);
  return (
    <ul class="tiles">
      {TILES.filter(([state]) => ALWAYS.includes(state) || (repositories[state] ?? 0) > 0).map(
        ([state, name]) => (
          <li>
            <a href={`/repositories?state=${state}`}>
              <b>{(state === "fresh" ? inStep : (repositories[state] ?? 0)).toLocaleString("en")}</b>{" "}
              <span>{nameOf(state, name, queue)}</span>
            </a>
          </li>
        ),
      )}
      <li>
        <a href="/repositories?state=held">
          <b>{held.toLocaleString("en")}</b> <span>With held refs</span>
        </a>
      </li>
      <li>
        <a href="/server">
          <b>{queue.depth.toLocaleString("en")}</b> <span>In the queue</span>
        </a>
      </li>
    </ul>
  );
}
