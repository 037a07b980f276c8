import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import { fullName } from "../../base/names.js";
import type { ApiPorts } from "../api.js";
import { findFilter, RepositoryPlace } from "../lists.js";
import { findPaging, toCursor } from "../paging.js";
import type { StatusView } from "../status-view.js";
import { type RepositoryView, ShownState } from "../view.js";
import { Buttons } from "./actions.js";
import { explain } from "./explain.js";
import { page } from "./layout.js";
import { Ago, duration, Live, Pages, Quantity, State, Table, Trouble, Verdict } from "./parts.js";

const ROWS = 50;
const COLUMNS = ["Repository", "State", "Lag", "Refreshed", "Proven", "Failure, and what to do", "Actions"];

/** Lists all repositories by pages, below the server's problems. */
export function addRepositoriesPage(app: Hono, ports: ApiPorts): void {
  app.get("/", async (context) => {
    const query = context.req.query();
    const filter = findFilter(query);
    if (filter instanceof Response) return explain(context, "/", filter);
    const paging = findPaging(context, RepositoryPlace, ROWS);
    if (paging instanceof Response) return explain(context, "/", paging);
    const { repositories, next, total } = await ports.list({ ...filter, ...paging });
    const here = new URL(context.req.url);
    const count = <Quantity of={total} one="repository" many="repositories" />;
    return page(
      context,
      { title: "Repositories", here: "/" },
      <>
        <h1>Repositories</h1>
        <Live name="whole">
          <Whole status={ports.status()} />
        </Live>
        <Filter query={query} />
        <Live name="list">
          <Table
            caption={<>{count}, by owner and name</>}
            columns={COLUMNS}
            rows={repositories.map((one) => row(one, here.pathname + here.search))}
            empty="No repository matches the filter."
          />
        </Live>
        <Pages path="/" query={query} next={toCursor(next)} />
      </>,
    );
  });
}

/** Shows the overall freshness, the number of repositories in each state, and the problems. */
function Whole({ status }: { status: StatusView }) {
  const { oldestUnprovenMs, repositories, problems, queue } = status;
  const age = oldestUnprovenMs === null ? "" : `, oldest proof ${duration(oldestUnprovenMs)} ago`;
  return (
    <>
      <p class="whole">
        <Verdict of={status} /> as <a href="/freshz">/freshz</a> says{age};{" "}
        <a href="/server">{queue.depth} queued</a>
      </p>
      <ul class="counts">
        {Object.entries(repositories).map(([state, count]) => (
          <li>
            <a href={`/?state=${state}`}>
              {count.toLocaleString("en")} <State of={state} />
            </a>
          </li>
        ))}
      </ul>
      <Problems of={problems} />
    </>
  );
}

export const Problems = ({ of }: { of: StatusView["problems"] }) =>
  of.length === 0 ? null : (
    <section class="notice bad" aria-labelledby="problems">
      <h2 id="problems">Problems</h2>
      <ul>
        {of.map(({ code, detail, remedy, since }) => (
          <li>
            <strong>{code}</strong> <Trouble what={detail} remedy={remedy} since={since} />
          </li>
        ))}
      </ul>
    </section>
  );

const Filter = ({
  query: { name = "", state = "", installation = "" },
}: {
  query: Record<string, string>;
}) => (
  <search>
    {" "}
    <form class="filter" method="get" action="/">
      <label>
        Name <input type="search" name="name" value={name} maxlength={140} placeholder="part, or owner/*" />
      </label>
      <label>
        State{" "}
        <select name="state">
          <option value="">any</option>
          {ShownState.options.map((one) => (
            <option value={one} selected={one === state}>
              {one}
            </option>
          ))}
        </select>
      </label>
      {installation !== "" && <input type="hidden" name="installation" value={installation} />}
      <button type="submit">Filter</button>
      <a href="/">Show all</a>
    </form>
  </search>
);

function row(repository: RepositoryView, here: string): Child[] {
  const { state, lagMs, lastRefreshAt, lastProvenAt, lastError, queued, running } = repository;
  return [
    <a href={`/repos/${fullName(repository)}`}>{fullName(repository)}</a>,
    <>
      <State of={state} />
      {queued && !running && <span class="dim"> queued</span>}
    </>,
    <span class="nowrap">{lagMs === null ? "–" : duration(lagMs)}</span>,
    <Ago at={lastRefreshAt} />,
    <Ago at={lastProvenAt} />,
    lastError && <Trouble what={`${lastError.code}: ${lastError.message}`} remedy={lastError.hint} />,
    <Buttons repository={repository} here={here} />,
  ];
}
