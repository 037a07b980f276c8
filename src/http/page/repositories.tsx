import type { Hono } from "hono";
import { countedRepositories } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { findFilter } from "../lists.js";
import { badRequest } from "../lookup.js";
import { ORDERS, type Order, type RankedQuery } from "../overview.js";
import type { StatusView } from "../status-view.js";
import { sharesOf } from "../verdict.js";
import { ShownState } from "../view.js";
import { BULK, BulkBar } from "./bulk.js";
import { explain } from "./explain.js";
import { type FirstSteps, isEmpty, NoRepository } from "./first-steps.js";
import { page } from "./layout.js";
import { Live } from "./part.js";
import { MissingNodes } from "./parts.js";
import { Rows } from "./rows.js";

const ROWS = 50;
const PATH = "/repositories";

type Query = Record<string, string>;

/** Lists all repositories by pages, the worst first. */
export function addRepositoriesPage(app: Hono, ports: ApiPorts, first: FirstSteps): void {
  app.get(PATH, async (context) => {
    const query = context.req.query();
    const wanted = findQuery(query);
    if (wanted instanceof Response) return explain(context, PATH, wanted);
    const { repositories, total, reach = total, missing } = await ports.ranked(wanted);
    const here = addressOf(query, {});
    const status = await ports.status();
    const { heldRepositories, repositories: counts } = status;
    const count = countedRepositories(total);
    if (status.state === "empty" && isEmpty(status)) {
      const installUrl = await first.installUrl();
      return page(
        context,
        { title: "Repositories", here: PATH },
        <>
          <h1>Repositories</h1>
          <Live name="begin">
            <NoRepository of={status} installUrl={installUrl} />
          </Live>
        </>,
      );
    }
    return page(
      context,
      { title: "Repositories", here: PATH },
      <>
        <div class="title">
          <h1>Repositories</h1>
          <Filter query={query} />
        </div>
        <Live name="list" of={[PATH, query, repositories, total, reach, missing, counts, heldRepositories]}>
          <MissingNodes of={missing} />
          <Chips query={query} status={status} />
          <section class="box" aria-label="List of repositories">
            <div class="head">
              <p>
                {count}
                <span class="dim">{wanted.order === "worst" && ", worst first"}</span>
              </p>
              <p class="keys dim small">
                <kbd>j</kbd> <kbd>k</kbd> down and up, <kbd>Enter</kbd> opens, <kbd>x</kbd> selects
              </p>
            </div>
            {repositories.length > 0 && <BulkBar here={here} />}
            <Rows
              of={repositories}
              here={here}
              caption={count}
              sorted={{ by: wanted.order, linkTo: (order) => addressOf(query, { order, page: "" }) }}
              form={BULK}
            />
          </section>
          <Pager query={query} page={wanted.page} shown={repositories.length} total={total} reach={reach} />
        </Live>
      </>,
    );
  });
}

/** Returns the address of the list with some fields changed; an empty field is left out. */
function addressOf(query: Query, changes: Query): string {
  const fields = Object.entries({ ...query, ...changes }).filter(([, value]) => value !== "");
  const text = new URLSearchParams(fields).toString();
  return text === "" ? PATH : `${PATH}?${text}`;
}

function findQuery(query: Query): RankedQuery | Response {
  // Each repository is in one list: what is in step but for held refs is called held, not in step.
  const isHeld = query.state === "held";
  const hasNoHolds = query.state === "fresh";
  const filter = findFilter(isHeld ? { ...query, state: "fresh" } : query);
  if (filter instanceof Response) return filter;
  const order = (query.order || "worst") as Order;
  if (!ORDERS.includes(order))
    return badRequest("the value of order is unknown", `use one of ${ORDERS.join(", ")}`);
  if (!/^[1-9]\d{0,5}$/.test(query.page || "1"))
    return badRequest("page is not a number of a page", "begin with page 1");
  return {
    ...filter,
    isHeld,
    ...(hasNoHolds && { hasNoHolds }),
    order,
    page: Number(query.page || 1),
    limit: ROWS,
  };
}

const Filter = ({ query: { name = "", state = "", installation = "", order = "" } }: { query: Query }) => (
  <search>
    {" "}
    <form class="filter" method="get" action={PATH} data-typing="">
      <label>
        Name{" "}
        <input
          type="search"
          name="name"
          value={name}
          maxlength={140}
          placeholder="part, or owner/*"
          data-find=""
        />
      </label>
      {Object.entries({ state, installation, order })
        .filter(([, value]) => value !== "")
        .map(([field, value]) => (
          <input type="hidden" name={field} value={value} />
        ))}
      <button type="submit">Filter</button>
    </form>
  </search>
);

const CHIPS = [
  ["", "All"],
  ["failing", "Failing"],
  ["held", "Held"],
  ["behind", "Waiting for GitHub"],
  ["incomplete", "Incomplete"],
  ["onboarding", "Not cloned yet"],
  ["paused", "Paused"],
  ["suspended", "Suspended"],
  ["fresh", "In step"],
  ["gone", "Gone"],
  ["retired", "Deleted"],
] as const;
const ALWAYS: readonly string[] = ["", "failing", "held", "paused"];

/** One toggle for each state; the one that is on leads back to all. */
function Chips({ query, status }: { query: Query; status: StatusView }) {
  const here = query.state ?? "";
  const countOf = (state: string): number => {
    if (state === "") return Object.values(status.repositories).reduce((a, b) => a + b, 0);
    if (state === "held") return sharesOf(status).held;
    if (state === "fresh") return sharesOf(status).inStep;
    return status.repositories[state] ?? 0;
  };
  const shown = CHIPS.filter(([state]) => ALWAYS.includes(state) || state === here || countOf(state) > 0);
  return (
    <nav class="chips" aria-label="States">
      {shown.map(([state, name]) => (
        <a
          href={addressOf(query, { state: state === here ? "" : state, page: "" })}
          aria-current={state === here ? "true" : undefined}
        >
          {name} {countOf(state).toLocaleString("en")}
        </a>
      ))}
      {!CHIPS.some(([state]) => state === here) && ShownState.safeParse(here).success && (
        <a href={addressOf(query, { state: "", page: "" })} aria-current="true">
          {here}
        </a>
      )}
    </nav>
  );
}

interface PagerProps {
  query: Query;
  page: number;
  shown: number;
  total: number;
  /** How many of them the pages lead to. */
  reach: number;
}

function Pager({ query, page: number, shown, total, reach }: PagerProps) {
  const first = (number - 1) * ROWS + 1;
  const hasNext = number * ROWS < Math.min(total, reach);
  if (number === 1 && !hasNext) return null;
  return (
    <nav class="pages" aria-label="Pages">
      {number > 1 ? (
        <a class="button" href={addressOf(query, { page: number > 2 ? String(number - 1) : "" })} rel="prev">
          Previous page
        </a>
      ) : (
        <span class="button off">Previous page</span>
      )}
      <span class="dim">
        {first.toLocaleString("en")}–{(first + shown - 1).toLocaleString("en")} of{" "}
        {total.toLocaleString("en")}
      </span>
      {hasNext ? (
        <a class="button" href={addressOf(query, { page: String(number + 1) })} rel="next">
          Next page
        </a>
      ) : (
        <span class="button off">Next page</span>
      )}
    </nav>
  );
}
