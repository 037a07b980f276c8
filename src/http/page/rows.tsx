import { raw } from "hono/html";
import { fullName } from "../../base/names.js";
import { counted, duration } from "../../base/units.js";
import { onPage } from "../dialect.js";
import type { Order, RankedView } from "../overview.js";
import { Menu } from "./actions.js";
import { sparkline } from "./chart.js";
import { keepDrawnRows } from "./drawn-rows.js";
import { Ago, ended, ROLE, State, sentence } from "./parts.js";
import { type Term, Word } from "./words.js";

const STRIP = { width: 150, height: 16, beats: 30 };
/** How high the middle of the bars of each kind is; page.css says how tall they are. */
const BARS = [
  { kind: "good", middle: 8 },
  { kind: "none", middle: 11 },
  { kind: "bad", middle: 8 },
] as const;
const SPARK = { width: 80, height: 20 };

interface Props {
  of: RankedView[];
  /** Where an action leads back to. */
  here: string;
  caption: string;
  /** The links that sort the list; null: it cannot be sorted. */
  sorted?: { by: Order; linkTo(order: Order): string };
  /** The form that several selected repositories are sent with. */
  form?: string;
}

interface Column {
  title: string;
  kind?: string;
  /** The order that the title sorts by. */
  order?: Order;
  term?: Term;
}

const COLUMNS: Column[] = [
  { title: "Repository", order: "name" },
  { title: "State", order: "worst" },
  { title: "Default branch", kind: "wide" },
  { title: "Last 30 refreshes", term: "beats" },
  { title: "Lag trend", kind: "wide", term: "lags" },
  { title: "Last lag", kind: "num middle", order: "lag", term: "lag" },
  { title: "Proven", kind: "num middle", order: "proven", term: "proven" },
];

/** What a screen reader says of each order. */
const SORTS: Record<Order, "ascending" | "descending" | "other"> = {
  worst: "other",
  name: "ascending",
  lag: "descending",
  pushed: "descending",
  proven: "ascending",
};

/** One row of 32 px for each repository. */
export const Rows = ({ of, here, caption, sorted, form }: Props) => (
  <table {...ROLE.table} class="rows">
    <caption>{caption}</caption>
    <thead {...ROLE.rowgroup}>
      <tr {...ROLE.row}>
        {form && (
          <th {...ROLE.columnheader} scope="col">
            <span class="hidden">Selected</span>
          </th>
        )}
        {COLUMNS.map(({ title, order, kind, term }) => (
          <th
            {...ROLE.columnheader}
            scope="col"
            class={kind}
            aria-sort={sorted && order === sorted.by ? SORTS[order] : undefined}
          >
            <Heading title={title} term={term} href={sorted && order && sorted.linkTo(order)} />
          </th>
        ))}
        <th {...ROLE.columnheader} scope="col">
          <span class="hidden">Actions</span>
        </th>
      </tr>
    </thead>
    <tbody {...ROLE.rowgroup}>
      {of.map((repository) => rowOf(repository, here, form))}
      {of.length === 0 && (
        <tr {...ROLE.row}>
          <td {...ROLE.cell} colspan={COLUMNS.length + 2} class="dim">
            No repository matches the filter.
          </td>
        </tr>
      )}
    </tbody>
  </table>
);

function Heading({ title, term, href }: Pick<Column, "title" | "term"> & { href: string | undefined }) {
  if (term)
    return (
      <Word of={term} id={`column-${term}`} href={href}>
        {title}
      </Word>
    );
  return href === undefined ? title : <a href={href}>{title}</a>;
}

const keep = keepDrawnRows();

const rowOf = (one: RankedView, here: string, form: string | undefined) =>
  keep({ tag: "tr", id: `row-${one.id}`, page: `${form ?? ""} ${here}` }, one, () => (
    <Row of={one} here={here} form={form} />
  ));

function Row({ of: one, here, form }: { of: RankedView; here: string; form: string | undefined }) {
  const name = fullName(one);
  return (
    <tr {...ROLE.row} id={`row-${one.id}`}>
      {form && (
        <td {...ROLE.cell}>
          <input
            type="checkbox"
            name="id"
            value={name}
            form={form}
            id={`select-${one.id}`}
            aria-label={`Select ${name}`}
          />
        </td>
      )}
      <th {...ROLE.rowheader} scope="row" class="name">
        <a href={`/repos/${name}`} data-row="">
          {one.owner}/<wbr />
          {one.name}
        </a>
      </th>
      <td {...ROLE.cell} class="says">
        <Condition of={one} />
      </td>
      <td {...ROLE.cell} class="wide">
        <code>{one.defaultBranch}</code>
      </td>
      <td {...ROLE.cell}>
        <Strip of={one} />
      </td>
      <td {...ROLE.cell} class="wide">
        <Spark of={one} />
      </td>
      <td {...ROLE.cell} class="num middle">
        {one.lagMs === null ? <span class="dim">–</span> : duration(one.lagMs)}
      </td>
      <td {...ROLE.cell} class="num middle">
        <Ago at={one.lastProvenAt} />
      </td>
      <td {...ROLE.cell}>
        <Menu repository={one} here={here} />
      </td>
    </tr>
  );
}

/** The state in a word, and why it is not better; what does not fit is in the tooltip. */
function Condition({ of: one }: { of: RankedView }) {
  const { id, lastError } = one;
  if (!lastError)
    return (
      <div class="why">
        <Reason of={one} />
      </div>
    );
  return (
    <>
      <button type="button" class="word why" id={`why-${id}`} aria-describedby={`all-${id}`}>
        <Reason of={one} />
      </button>
      <span role="tooltip" id={`all-${id}`}>
        {ended(lastError.message)} → {sentence(onPage(lastError.hint))} ({lastError.code})
      </span>
    </>
  );
}

function Reason({ of: { state, lastError, queued, running, held } }: { of: RankedView }) {
  const isHeld = held > 0 && state === "fresh";
  return (
    <>
      {isHeld ? <State of="held" /> : <State of={state} />}
      {lastError && <span class="dim"> {lastError.message}</span>}
      {held > 0 && (
        <span class="dim">
          {isHeld ? ` ${counted(held, "ref", "refs")}` : ` ${counted(held, "held ref", "held refs")}`}
        </span>
      )}
      {queued && !running && <span class="dim"> · queued</span>}
    </>
  );
}

/** The last refreshes: tall green ones, short grey ones that found nothing new, full red ones that failed. */
export function Strip({ of: { beats } }: { of: Pick<RankedView, "beats"> }) {
  if (beats.length === 0) return <span class="dim">–</span>;
  const step = STRIP.width / STRIP.beats;
  const first = STRIP.beats - beats.length;
  const failed = beats.filter((beat) => beat === "bad").length;
  const bars = BARS.map(({ kind, middle }) => {
    const text = beats
      .map((beat, n) => (beat === kind ? `M${(first + n) * step} ${middle}h3.6` : ""))
      .join("");
    return text && `<path class="${kind}" d="${text}"/>`;
  });
  const label = `${beats.length} refreshes, ${failed} of them failed`;
  return raw(
    `<svg class="strip" role="img" aria-label="${label}" viewBox="0 0 ${STRIP.width} ${STRIP.height}" preserveAspectRatio="none">${bars.join("")}</svg>`,
  );
}

/** The lags of the last pushes, without a scale. */
export function Spark({ of: { lags } }: { of: Pick<RankedView, "lags"> }) {
  const path = sparkline(lags, SPARK.width, SPARK.height);
  if (path === "") return <span class="dim">–</span>;
  const label = `lag of the last ${lags.length} pushes, at most ${duration(Math.max(...lags))}`;
  return raw(
    `<svg class="spark" role="img" aria-label="${label}" viewBox="0 0 ${SPARK.width} ${SPARK.height}"><path class="main" d="${path}"/></svg>`,
  );
}
