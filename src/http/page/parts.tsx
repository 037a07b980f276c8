import type { Child } from "hono/jsx";
import { ageOf } from "../../base/clock.js";
import { spokenAge, spokenAtMost } from "../../base/units.js";
import { onPage } from "../dialect.js";
import { Icon, type IconName, type Mood } from "./icon.js";
import { Notice } from "./notice.js";

/**
 * Shows an age, with the exact time as a tooltip and in the page's source. An age is never negative. The script
 * keeps it up to date.
 * @param isAge whether the sentence around it says "for", so that "ago" is left out
 */
export function Ago({
  at,
  never = "never",
  isAge = false,
}: {
  at: string | null;
  never?: string;
  isAge?: boolean;
}) {
  if (at === null) return <span class="dim">{never}</span>;
  const ms = ageOf(Date.parse(at), Date.now());
  if (isAge) return <Moment at={at} text={ms < 1_000 ? "a moment" : spokenAge(ms)} ticks="age" />;
  return <Moment at={at} text={ms < 1_000 ? "just now" : `${spokenAge(ms)} ago`} ticks="ago" />;
}

/** Shows how far away a time is that may be yet to come, such as the end of a wait. */
export function Due({ at, never = "–" }: { at: string | null; never?: string }) {
  if (at === null) return <span class="dim">{never}</span>;
  const ms = Date.parse(at) - Date.now();
  return ms > 0 ? <Moment at={at} text={`in ${spokenAtMost(ms)}`} ticks="due" /> : <Ago at={at} />;
}

interface MomentProps {
  at: string;
  text: string;
  /** How the script counts on. */
  ticks?: "ago" | "age" | "due";
  /** How the script writes the time in the reader's time zone. */
  local?: string;
}

/** Shows a time. */
export const Moment = ({ at, text, ticks, local }: MomentProps) => (
  <time datetime={at} title={at} data-ticks={ticks} data-local={local}>
    {text}
  </time>
);

const LOOKS: Record<string, [icon: IconName, mood: Mood]> = {
  fresh: ["check-circle-fill", "good"],
  refreshing: ["sync", "busy"],
  refreshed: ["check-circle-fill", "good"],
  active: ["check-circle-fill", "good"],
  ok: ["check-circle-fill", "good"],
  held: ["shield-lock", "warn"],
  failing: ["x-circle-fill", "bad"],
  failed: ["x-circle-fill", "bad"],
  behind: ["clock-fill", "warn"],
  onboarding: ["repo-clone", "busy"],
  incomplete: ["alert-fill", "warn"],
  suspended: ["stop", "warn"],
  open: ["clock-fill", "warn"],
  ignored: ["skip-fill", "none"],
  paused: ["pause", "warn"],
  gone: ["repo-deleted", "none"],
  retired: ["trash", "none"],
};
const KINDS: Record<Mood, IconName> = {
  good: "check-circle-fill",
  busy: "sync",
  warn: "alert-fill",
  bad: "x-circle-fill",
  none: "dot-fill",
};

/** What the page calls a state of the API where that has a harder word. */
const WORDS: Record<string, string> = {
  fresh: "in step",
  behind: "waiting for GitHub",
  onboarding: "not cloned yet",
};

/** Shows a state by shape, word and colour, so that the colour is never the only mark. */
export function State({
  of,
  kind,
  word = WORDS[of] ?? of,
}: {
  of: string;
  kind?: Mood | undefined;
  word?: string;
}) {
  const [icon, mood] = kind ? [KINDS[kind], kind] : (LOOKS[of] ?? (["dot-fill", "none"] as const));
  return (
    <span class={`state is-${mood}`}>
      <Icon name={icon} /> {word}
    </span>
  );
}

/** Shows an object name, shortened. */
export const Sha = ({ of }: { of: string | null }) =>
  of === null ? <span class="dim">none</span> : <code title={of}>{of.slice(0, 10)}</code>;

interface TableProps {
  caption: Child;
  /** The first column contains the row headings. */
  columns: string[];
  rows: Child[][];
  /** What is said when there is no row. */
  empty: Child;
  /** Whether it has many columns of figures. */
  isDense?: boolean;
}

/**
 * Explicit roles keep the table for screen readers, because browsers drop it when rows become blocks on a
 * narrow screen.
 */
export const ROLE = {
  table: { role: "table" },
  rowgroup: { role: "rowgroup" },
  row: { role: "row" },
  columnheader: { role: "columnheader" },
  rowheader: { role: "rowheader" },
  cell: { role: "cell" },
} as const;

export const Table = ({ caption, columns, rows, empty, isDense = false }: TableProps) => (
  <div class="box">
    <table {...ROLE.table} class={isDense ? "dense" : undefined}>
      <caption>{caption}</caption>
      {rows.length > 0 && (
        <thead {...ROLE.rowgroup}>
          <tr {...ROLE.row}>
            {columns.map((name) => (
              <th {...ROLE.columnheader} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody {...ROLE.rowgroup}>
        {rows.map((cells) => (
          <Row columns={columns} cells={cells} />
        ))}
        {rows.length === 0 && (
          <tr {...ROLE.row}>
            <td {...ROLE.cell} class="dim">
              {empty}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  </div>
);

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
export const Facts = ({ of }: { of: [Child, Child][] }) => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <div>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

interface PagesProps {
  path: string;
  query: Record<string, string>;
  next: string | null;
  /** The query's field that has the cursor. */
  field?: string;
  label?: string;
}

/** Links to the first and the next page; the links keep the filter. Where a link would lead nowhere, it is only a word. */
export function Pages({ path, query, next, field = "cursor", label = "Pages" }: PagesProps) {
  const { [field]: cursor, ...filter } = query;
  const to = (more: Record<string, string>) => {
    const text = new URLSearchParams({ ...filter, ...more }).toString();
    return text === "" ? path : `${path}?${text}`;
  };
  if (!cursor && next === null) return null;
  return (
    <nav class="pages" aria-label={label}>
      {cursor ? (
        <a class="button" href={to({})}>
          First page
        </a>
      ) : (
        <span class="button off">First page</span>
      )}
      {next === null ? (
        <span class="button off">Next page</span>
      ) : (
        <a class="button" href={to({ [field]: next })} rel="next">
          Next page
        </a>
      )}
    </nav>
  );
}

/** Another sentence may follow. */
export const ended = (text: string) => text + (/[.!?]$/.test(text) ? "" : ".");

/** Writes a remedy as a sentence that others may follow. */
export const sentence = (text: string) => ended(text.charAt(0).toUpperCase() + text.slice(1));

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
    <br />→ {sentence(onPage(remedy))}
  </>
);

/** Says which nodes of a cluster are not in what is shown. */
export const MissingNodes = ({ of = [] }: { of: string[] | undefined }) =>
  of.length === 0 ? null : (
    <Notice mood="warn">
      Without what only {of.join(", ")} {of.length === 1 ? "has, which does" : "have, which do"} not answer. →
      See <a href="/server">the nodes</a>.
    </Notice>
  );
