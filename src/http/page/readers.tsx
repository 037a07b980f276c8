import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import { counted } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import type { ReaderView } from "../readers.js";
import { page, ServerParts } from "./layout.js";
import { Live } from "./part.js";
import { Ago, State, Table } from "./parts.js";

const ROWS = 200;
const COLUMNS = ["Reader", "Right by", "Last", "From", "Requests", "Answers", "Sent"];

/** Shows who has read which repository. */
export function addReadersPage(app: Hono, ports: Pick<ApiPorts, "readers">): void {
  app.get("/readers", (context) => {
    const found = ports.readers(null, ROWS);
    return page(
      context,
      { title: "Readers", here: "/readers" },
      <>
        <div class="title">
          <h1>Readers</h1>
          <ServerParts here="/readers" />
        </div>
        <Live name="list" of={[found]}>
          {found ? (
            <Table
              caption={<Caption total={found.total} />}
              columns={["Repository", ...COLUMNS]}
              rows={found.readers.map((reader) => [nameOf(reader), ...cellsOf(reader)])}
              empty="Nobody has read a mirror over HTTP."
            />
          ) : (
            <p>Mirrors are not served over HTTP. → Set SERVE_PORT and READERS.</p>
          )}
        </Live>
      </>,
    );
  });
}

/** Shows who has read one repository. */
export function Readers({ of: found }: { of: ReturnType<ApiPorts["readers"]> }) {
  if (found === null) return null;
  return (
    <Table
      caption={<Caption total={found.total} />}
      columns={COLUMNS}
      rows={found.readers.map(cellsOf)}
      empty="Nobody has read the mirror over HTTP."
    />
  );
}

/** Restarts are said, because what is shown lies in memory. */
const Caption = ({ total }: { total: number }) => (
  <>
    Readers in the last 24 hours, or since the start: {counted(total, "line", "lines")}
    {total > ROWS && `, the first ${ROWS}`}
  </>
);

const nameOf = ({ repository, isManaged }: ReaderView): Child =>
  isManaged ? <a href={`/repos/${repository}`}>{repository}</a> : repository;

function cellsOf({
  reader,
  way,
  lastAt,
  address,
  requests,
  sources,
  shared,
  failed,
  bytes,
}: ReaderView): Child[] {
  const answers = [
    [sources.mirror, "from the mirror"],
    [sources.fetched, "fetched for it"],
    [sources.github, "from GitHub"],
    [shared, "shared"],
  ] as const;
  const said = answers.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [
    reader ?? <span class="dim">not known</span>,
    way ?? "–",
    <Ago at={lastAt} />,
    address,
    requests.toLocaleString("en"),
    <>
      {said.join(", ")}
      {said.length > 0 && failed > 0 && ", "}
      {failed > 0 && <State of={`${failed} refused`} kind="warn" />}
    </>,
    sizeOf(bytes),
  ];
}

const UNITS = [
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
] as const;

function sizeOf(bytes: number): string {
  const [size, unit] = UNITS.find(([one]) => bytes >= one) ?? [1, "B"];
  return `${(bytes / size).toFixed(size === 1 ? 0 : 1)} ${unit}`;
}
