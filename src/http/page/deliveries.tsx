import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { ApiPorts } from "../api.js";
import { Delivery, type DeliveryView } from "../log-view.js";
import { DeliveryPlace, findDeliveryFilter } from "../logs.js";
import { findPaging, toCursor } from "../paging.js";
import { explain } from "./explain.js";
import { page } from "./layout.js";
import { Ago, Live, Pages, State, Table } from "./parts.js";

const ROWS = 50;
const COLUMNS = ["Received", "Event", "Repository", "Outcome", "Outcome in words", "Arrived by", "Id"];

/** Shows the deliveries of the last 8 days and their outcomes. */
export function addDeliveriesPage(app: Hono, ports: ApiPorts): void {
  app.get("/deliveries", async (context) => {
    const query = context.req.query();
    const filter = findDeliveryFilter(query);
    if (filter instanceof Response) return explain(context, "/deliveries", filter);
    const paging = findPaging(context, DeliveryPlace, ROWS);
    if (paging instanceof Response) return explain(context, "/deliveries", paging);
    const { deliveries, next } = await ports.deliveries({ ...filter, ...paging });
    return page(
      context,
      { title: "Deliveries", here: "/deliveries" },
      <>
        <h1>Deliveries</h1>
        <Filter query={query} />
        <Live name="list">
          <Table
            caption="Deliveries of the last 8 days, newest first"
            columns={COLUMNS}
            rows={deliveries.map(row)}
            empty="None."
          />
        </Live>
        <Pages path="/deliveries" query={query} next={toCursor(next)} />
      </>,
    );
  });
}

const Filter = ({ query: { repository = "", outcome = "" } }: { query: Record<string, string> }) => (
  <search>
    {" "}
    <form class="filter" method="get" action="/deliveries">
      <label>
        Repository <input type="search" name="repository" value={repository} placeholder="owner/name" />
      </label>
      <label>
        Outcome{" "}
        <select name="outcome">
          <option value="">any</option>
          {Delivery.shape.outcome.options.map((one) => (
            <option value={one} selected={one === outcome}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Filter</button>
      <a href="/deliveries">Show all</a>
    </form>
  </search>
);

function row(delivery: DeliveryView): Child[] {
  const { id, receivedAt, event, action, repository, outcome, became, via } = delivery;
  return [
    <Ago at={receivedAt} />,
    action === null ? event : `${event} ${action}`,
    repository && <a href={`/repos/${repository}`}>{repository}</a>,
    <State of={outcome} />,
    became,
    via,
    <code class="long">{id}</code>,
  ];
}
