import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { ApiPorts } from "../api.js";
import { AuditPlace, type AuditView } from "../audit.js";
import { findPaging, toCursor } from "../paging.js";
import { explain } from "./explain.js";
import { page, ServerParts } from "./layout.js";
import { Live } from "./part.js";
import { Ago, Pages, State, Table } from "./parts.js";

const ROWS = 50;
const COLUMNS = ["When", "Token", "Action", "Of", "Details", "Result", "By"];

/** Shows who asked for which action. */
export function addAuditPage(app: Hono, { audit }: Pick<ApiPorts, "audit">): void {
  app.get("/audit", (context) => {
    const paging = findPaging(context, AuditPlace, ROWS);
    if (paging instanceof Response) return explain(context, "/audit", paging);
    const { audit: entries, next } = audit.page(paging);
    return page(
      context,
      { title: "Audit", here: "/audit" },
      <>
        <div class="title">
          <h1>Audit</h1>
          <ServerParts here="/audit" />
        </div>
        <Live name="list" of={entries}>
          <Table
            caption="Actions that operators asked for, newest first"
            columns={COLUMNS}
            rows={entries.map(row)}
            empty="None."
          />
        </Live>
        <Pages path="/audit" query={context.req.query()} next={toCursor(next)} />
      </>,
    );
  });
}

const row = ({ at, token, action, subject, detail, status, via }: AuditView): Child[] => [
  <Ago at={at} />,
  token,
  action,
  subject,
  detail === null ? "–" : <code class="long">{detail}</code>,
  <Result of={status} />,
  via,
];

function Result({ of: status }: { of: number | null }) {
  if (status === null) return <State of="not ended" />;
  return status < 400 ? <State of="done" kind="good" /> : <State of={`refused, ${status}`} kind="bad" />;
}
