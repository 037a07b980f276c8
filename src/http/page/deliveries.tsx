import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import { counted, duration } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { Delivery, type DeliveryView } from "../log-view.js";
import { DeliveryPlace, findDeliveryFilter } from "../logs.js";
import type { RefusedView } from "../overview.js";
import { findPaging, toCursor } from "../paging.js";
import { keepDrawnRows } from "./drawn-rows.js";
import { explain } from "./explain.js";
import { type FirstSteps, NoDelivery } from "./first-steps.js";
import { page } from "./layout.js";
import { Live } from "./part.js";
import { Ago, Facts, MissingNodes, Pages, State } from "./parts.js";

const ROWS = 50;
type Query = Record<string, string>;

/** Shows the deliveries of the last 8 days and what became of them, as sentences. */
export function addDeliveriesPage(app: Hono, ports: ApiPorts, first: FirstSteps): void {
  app.get("/deliveries", async (context) => {
    const query = context.req.query();
    const filter = findDeliveryFilter(query);
    if (filter instanceof Response) return explain(context, "/deliveries", filter);
    const paging = findPaging(context, DeliveryPlace, ROWS);
    if (paging instanceof Response) return explain(context, "/deliveries", paging);
    const { deliveries, next, missing } = await ports.deliveries({ ...filter, ...paging });
    const status = await ports.status();
    return page(
      context,
      { title: "Deliveries", here: "/deliveries" },
      <>
        <div class="title">
          <h1>Deliveries</h1>
          <Filter query={query} />
        </div>
        <Chips query={query} />
        <Live name="refused">
          <RefusedBox of={ports.refused()} />
        </Live>
        <Live name="list" of={[deliveries, missing, query, status.deliveries.mode, first.webhook]}>
          <MissingNodes of={missing} />
          <section class="box" aria-label="Deliveries of the last 8 days, newest first">
            <h2>
              The last 8 days <span class="dim small">newest first</span>
            </h2>
            <Deliveries of={deliveries}>
              {Object.keys(query).length > 0 ? (
                <p class="empty dim">No delivery matches the filter.</p>
              ) : (
                <NoDelivery of={status} webhook={first.webhook} />
              )}
            </Deliveries>
          </section>
        </Live>
        <Pages path="/deliveries" query={query} next={toCursor(next)} />
      </>,
    );
  });
}

const Filter = ({ query: { repository = "", outcome = "" } }: { query: Query }) => (
  <search>
    {" "}
    <form class="filter" method="get" action="/deliveries">
      <label>
        Repository <input type="search" name="repository" value={repository} placeholder="owner/name" />
      </label>
      {outcome !== "" && <input type="hidden" name="outcome" value={outcome} />}
      <button type="submit">Filter</button>
    </form>
  </search>
);

const NAMES: Record<DeliveryView["outcome"], string> = {
  open: "Waiting",
  refreshed: "Done",
  ignored: "Ignored",
};

function Chips({ query: { repository = "", outcome: here = "" } }: { query: Query }) {
  const to = (outcome: string) => {
    const fields = Object.entries({ repository, outcome }).filter(([, value]) => value !== "");
    const text = new URLSearchParams(fields).toString();
    return text === "" ? "/deliveries" : `/deliveries?${text}`;
  };
  return (
    <nav class="chips" aria-label="Outcomes">
      {(["", ...Delivery.shape.outcome.options] as const).map((outcome) => (
        <a href={to(outcome === here ? "" : outcome)} aria-current={outcome === here ? "true" : undefined}>
          {outcome === "" ? "All" : NAMES[outcome]}
        </a>
      ))}
    </nav>
  );
}

const keep = keepDrawnRows();

interface EntryProps {
  of: DeliveryView;
  /** Whether the page is about one repository, which then no sentence names. */
  isOfOne: boolean;
}

const Entry = ({ of: delivery, isOfOne }: EntryProps) => (
  <li id={`delivery-${delivery.id}`}>
    <details>
      <summary>
        <Summary of={delivery} isOfOne={isOfOne} />
      </summary>
      <Details of={delivery} />
    </details>
  </li>
);

interface DeliveriesProps {
  of: DeliveryView[];
  isOfOne?: boolean;
  /** What is said when there is none. */
  children: Child;
}

/** Each delivery is a sentence that unfolds. */
export const Deliveries = ({ of, isOfOne = false, children }: DeliveriesProps) =>
  of.length === 0 ? (
    children
  ) : (
    <ol class="list deliveries">
      {of.map((delivery) =>
        keep({ tag: "li", id: `delivery-${delivery.id}`, page: isOfOne ? "one" : "" }, delivery, () => (
          <Entry of={delivery} isOfOne={isOfOne} />
        )),
      )}
    </ol>
  );

function Summary({ of: delivery, isOfOne }: EntryProps) {
  const { event, action, repository, receivedAt, outcome, reason } = delivery;
  const isFailing = outcome === "open" && reason !== null && reason !== "paused";
  return (
    <>
      <State of={isFailing ? "failing" : outcome} word="" />
      <span class="sentence">
        <span class="name">{action === null ? event : `${event} ${action}`}</span>
        {repository && !isOfOne && (
          <>
            {event === "push" ? " to " : " for "}
            <span class="name">{repository}</span>
          </>
        )}
        : {sentenceOf(delivery)}
      </span>{" "}
      <span class="dim small">
        <Ago at={receivedAt} />
      </span>
    </>
  );
}

const VIAS: Record<DeliveryView["via"], string> = {
  webhook: "",
  recovered: ", found in GitHub's log",
  pull: ", read from GitHub's log",
};

/** What became of a delivery, such as `refreshed 103 ms after it came`. */
function sentenceOf({ outcome, receivedAt, refreshedAt, became, repository, via }: DeliveryView): string {
  const origin = VIAS[via] ?? "";
  if (outcome !== "refreshed" || refreshedAt === null) return `${became}${origin}`;
  const ms = Math.max(0, Date.parse(refreshedAt) - Date.parse(receivedAt));
  return `${repository ? "refreshed" : "reconciled"} ${duration(ms)} after it came${origin}`;
}

const timeOf = (at: string) => at.replace("T", " ").replace("Z", " UTC");

function coverOf({ outcome, refreshedAt }: DeliveryView): string {
  if (outcome === "ignored") return "not needed";
  return refreshedAt ? timeOf(refreshedAt) : "not yet";
}

function Details({ of: delivery }: { of: DeliveryView }) {
  const { id, event, action, via, receivedAt, became, installationId, repository } = delivery;
  const facts: [string, Child][] = [
    ["Repository", repository ? <a href={`/repos/${repository}`}>{repository}</a> : "–"],
    ["X-GitHub-Delivery", <code class="long">{id}</code>],
    ["X-GitHub-Event", event],
    ...Object.entries(delivery.headers),
    ["Action", action ?? "–"],
    ["Received", timeOf(receivedAt)],
    ["Covered by a refresh", coverOf(delivery)],
    ["What it led to", became],
    ["Arrived by", via],
    ["Installation", installationId === null ? "–" : String(installationId)],
  ];
  return <Facts of={facts} />;
}

/** Refused calls are not stored, since anybody can send them; they are counted. */
function RefusedBox({ of: { refused, total } }: { of: RefusedView }) {
  if (total === 0) return null;
  return (
    <details class="box fold">
      <summary>{counted(total, "call was", "calls were")} refused since the start</summary>
      <ul class="list">
        {refused.map(({ reason, address, count, lastAt }) => (
          <li>
            {count.toLocaleString("en")} × <code>{reason}</code> from {address},{" "}
            <span class="dim">
              last <Ago at={lastAt} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
