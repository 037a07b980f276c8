import { z } from "zod";
import { AuditEntry, AuditPlace, type AuditPorts } from "./audit.js";
import { findPaging, Next, PagingQuery, toCursor } from "./paging.js";
import type { Route, Routes } from "./routes.js";

const LIST: Route = {
  method: "get",
  path: "/api/v1/audit",
  summary: "Operating actions and who asked for them, newest first",
  isOfWhole: true,
  query: PagingQuery,
  answers: { 200: z.object({ audit: z.array(AuditEntry), next: Next }) },
  problems: [400],
};

export function addAuditRoute(routes: Routes, ports: AuditPorts): void {
  routes.add(LIST, (context) => {
    const paging = findPaging(context, AuditPlace);
    if (paging instanceof Response) return paging;
    const { audit, next } = ports.page(paging);
    return context.json({ audit, next: toCursor(next) });
  });
}
