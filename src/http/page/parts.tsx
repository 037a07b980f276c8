import type { Child } from "hono/jsx";
import { ageOf } from "../../base/clock.js";
import type { StatusView } from "../status-view.js";

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** Formats a duration: 90_000 → `2 min`, 1_400 → `1.4 s`. */
export function duration(ms: number): string {
  const [size, unit] = UNITS.find(([one]) => ms >= 2 * one) ?? UNITS[3];
  if (unit === "s" && ms < 10_000) return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / size)} ${unit}`;
}

/** Shows an age, with the exact time as a tooltip and in the page's source. An age is never negative. */
export function Ago({ at, never = "never" }: { at: string | null; never?: string }) {
  if (at === null) return <span class="dim">{never}</span>;
  const ms = ageOf(Date.parse(at), Date.now());
  return <Moment at={at} text={ms < 1_000 ? "just now" : `${duration(ms)} ago`} />;
}

/** Shows how far away a time is that may be yet to come, such as the end of a wait. */
export function Due({ at, never = "–" }: { at: string | null; never?: string }) {
  if (at === null) return <span class="dim">{never}</span>;
  const ms = Date.parse(at) - Date.now();
  return ms > 0 ? <Moment at={at} text={`in ${duration(ms)}`} /> : <Ago at={at} />;
}

const Moment = ({ at, text }: { at: string; text: string }) => (
  <time datetime={at} title={at}>
    {text}
  </time>
);

/** Says in one word, as /freshz does, whether everything is fresh. The script replaces it while the server is silent. */
export function Verdict({ of: { state, mirrors } }: { of: Pick<StatusView, "state" | "mirrors"> }) {
  const { cloned, managed } = mirrors;
  const text = {
    fresh: "fresh",
    cloning: `cloning ${cloned} of ${managed}`,
    stale: cloned < managed ? `not fresh, ${cloned} of ${managed} cloned` : "not fresh",
    empty: "no repository is managed",
  }[state];
  const kind = { fresh: "good", cloning: "warn", stale: "bad", empty: "bad" } as const;
  return (
    <span data-verdict="">
      <State of={text} kind={kind[state]} />
    </span>
  );
}

const KINDS: Record<string, "good" | "bad" | "warn"> = {
  fresh: "good",
  refreshed: "good",
  active: "good",
  changed: "good",
  cloned: "good",
  ok: "good",
  failing: "bad",
  failed: "bad",
  behind: "warn",
  incomplete: "warn",
  suspended: "warn",
  open: "warn",
  paused: "warn",
  gone: "warn",
};
const SIGNS = { good: "✓", bad: "✗", warn: "!", none: "·" };

/** Shows a state by sign, word and colour, so that the colour is never the only mark. */
export function State({ of, kind = KINDS[of] }: { of: string; kind?: "good" | "bad" | "warn" | undefined }) {
  return (
    <span class={`state ${kind ?? "none"}`}>
      <span aria-hidden="true">{SIGNS[kind ?? "none"]}</span> {of}
    </span>
  );
}

/** Shows an object name, shortened. */
export const Sha = ({ of }: { of: string | null }) =>
  of === null ? <span class="dim">none</span> : <code title={of}>{of.slice(0, 10)}</code>;

export const Quantity = ({ of, one, many }: { of: number; one: string; many: string }) => (
  <>
    {of.toLocaleString("en")} {of === 1 ? one : many}
  </>
);

interface TableProps {
  caption: Child;
  /** The first column contains the row headings. */
  columns: string[];
  rows: Child[][];
  empty: string;
}

/**
 * Explicit roles keep the table for screen readers, because browsers drop it when rows become blocks on a
 * narrow screen.
 */
const ROLE = {
  table: { role: "table" },
  rowgroup: { role: "rowgroup" },
  row: { role: "row" },
  columnheader: { role: "columnheader" },
  rowheader: { role: "rowheader" },
  cell: { role: "cell" },
} as const;

export function Table({ caption, columns, rows, empty }: TableProps) {
  return (
    <table {...ROLE.table}>
      <caption>{caption}</caption>
      <thead {...ROLE.rowgroup}>
        <tr {...ROLE.row}>
          {columns.map((name) => (
            <th {...ROLE.columnheader} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...ROLE.rowgroup}>
        {rows.map((cells) => (
          <Row columns={columns} cells={cells} />
        ))}
        {rows.length === 0 && (
          <tr {...ROLE.row}>
            <td {...ROLE.cell} colspan={columns.length} class="dim">
              {empty}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

const Row = ({ columns, cells: [first, ...rest] }: { columns: string[]; cells: Child[] }) => (
  <tr {...ROLE.row}>
    <th {...ROLE.rowheader} scope="row">
      {first}
    </th>
    {rest.map((cell, index) => (
      <td {...ROLE.cell} data-label={columns[index + 1]}>
        {cell}
      </td>
    ))}
  </tr>
);

/** Renders names and values. */
export const Facts = ({ of }: { of: [string, Child][] }) => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <div>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

/** Renders a part that the script updates. */
export const Live = ({ name, children }: { name: string; children: Child }) => (
  <div data-live={name}>{children}</div>
);

interface PagesProps {
  path: string;
  query: Record<string, string>;
  next: string | null;
  /** The query's field that has the cursor. */
  field?: string;
  label?: string;
}

/** Links to the first and the next page; the links keep the filter. */
export function Pages({ path, query, next, field = "cursor", label = "Pages" }: PagesProps) {
  const { [field]: cursor, ...filter } = query;
  const to = (more: Record<string, string>) => {
    const text = new URLSearchParams({ ...filter, ...more }).toString();
    return text === "" ? path : `${path}?${text}`;
  };
  if (!cursor && next === null) return null;
  return (
    <nav class="pages" aria-label={label}>
      {cursor && <a href={to({})}>First page</a>}
      {next !== null && (
        <a href={to({ [field]: next })} rel="next">
          Next page
        </a>
      )}
    </nav>
  );
}

/** Renders what an operator must know, and what to do next. */
export const Trouble = ({ what, remedy, since }: { what: Child; remedy: string; since?: string }) => (
  <>
    <span class="bad">{what}</span>
    {since && (
      <>
        {" "}
        (<Ago at={since} />)
      </>
    )}
    <br />→ {remedy}
  </>
);
