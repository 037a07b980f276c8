import type { Hono } from "hono";
import type { Problem } from "../watch.js";
import { conflict, find, type Lookup, notFound, notManaged } from "./lookup.js";
import type { RepositoryView } from "./view.js";

/** An installation as the API shows it. Times are ISO 8601 texts in UTC. */
export interface InstallationView {
  id: number;
  login: string;
  state: "active" | "suspended" | "gone";
  since: string;
  lastListedAt: string | null;
  lastError: { code: string; message: string; hint: string; at: string } | null;
  /** Repositories whose removal waits for an operator's word, and how to give it. */
  heldRemoval: { repositories: string[]; heldAt: string; confirm: string } | null;
}

/** The whole, in one answer. Times are ISO 8601 texts in UTC. */
export interface StatusView {
  fresh: boolean;
  /** Age of the oldest proof that a repository equals GitHub, in milliseconds; null: there is none. */
  oldestUnprovenMs: number | null;
  repositories: Record<string, number>;
  problems: (Omit<Problem, "since"> & { since: string })[];
  queue: { depth: number };
  backstop: { intervalMs: number | null; lastPassAt: string | null; lastError: object | null };
  deliveries: {
    mode: "webhook" | "pull";
    lastWebhookAt: string | null;
    lastReadAt: string | null;
    /** A long reading of GitHub's log that is under way. */
    reading: { pages: number; recovered: number; at: string | null } | null;
  };
  github: {
    calls: number;
    limits: { whose: string; limit: number; remaining: number; resetsAt: string; heldUntil: string | null }[];
  };
  announce: {
    consumer: string;
    pending: number;
    /** Of so many repositories. */
    repositories: number;
    oldestAgeMs: number | null;
    lastError: { message: string; at: string } | null;
    /** Events that it did not take while they were kept. */
    dropped: number;
  }[];
  disk: { freeBytes: number; minFreeBytes: number; low: boolean };
}

export interface OperatePorts {
  get: Lookup;
  /** Null: it is no state to pause in. */
  pause(id: number): void;
  resume(id: number): void;
  installations(): InstallationView[];
  /** @returns how many repositories go by it */
  confirmRemoval(installationId: number): number;
  status(): StatusView;
}

/** What an operator does besides looking at repositories and refreshing them. */
export function operatorRoutes(app: Hono, ports: OperatePorts): void {
  const again = ({ owner, name }: RepositoryView) => ports.get(owner, name);

  app.post("/api/v1/repos/:owner/:name/pause", (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    if (found.state === "gone" || found.state === "retired") return notManaged(found);
    ports.pause(found.id);
    return context.json({ paused: true, repository: again(found) });
  });
  app.post("/api/v1/repos/:owner/:name/resume", (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    if (found.pausedAt === null) {
      return conflict("not_paused", "the repository is not paused", "nothing needs to be done");
    }
    ports.resume(found.id);
    return context.json({ paused: false, repository: again(found) }, 202);
  });
  app.get("/api/v1/status", (context) => context.json(ports.status()));
  app.get("/api/v1/installations", (context) => context.json({ installations: ports.installations() }));
  app.post("/api/v1/installations/:id/confirm-removal", (context) => {
    const id = Number(context.req.param("id"));
    const installation = ports.installations().find((it) => it.id === id);
    if (!installation) return notFound("no such installation", "see GET /api/v1/installations");
    if (!installation.heldRemoval) {
      return conflict("nothing_held", "no removal of this installation is held", "nothing needs to be done");
    }
    return context.json({ confirmed: true, repositories: ports.confirmRemoval(id) });
  });
}
