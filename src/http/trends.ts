import { z } from "zod";
import { badRequest } from "./lookup.js";
import type { Routes } from "./routes.js";
import { Time } from "./view.js";

const Count = z.number().int();
const Lag = z.number().nullable().meta({ description: "in milliseconds, 4 % off at most; null: no push" });

export const Span = z.enum(["hour", "day", "week"]);
export type Span = z.infer<typeof Span>;

/** What happened in one step of a span, and how things stood then. */
const Point = z
  .object({
    at: Time.meta({ description: "when it begins" }),
    p50Ms: Lag,
    p95Ms: Lag,
    pushes: Count.meta({ description: "refreshes that a push asked for and that succeeded" }),
    refreshes: Count.meta({ description: "refreshes that succeeded" }),
    failures: Count,
    missed: Count.meta({ description: "pushes that no delivery reported" }),
    backlog: Count.meta({ description: "the most requests that waited or ran" }),
    proofMs: z.number().nullable().meta({ description: "the greatest age of the oldest proof" }),
    budget: z.number().nullable().meta({ description: "the least share left of a rate limit, 0 to 1" }),
    freeBytes: z.number(),
  })
  .meta({ id: "TrendPoint" });

export const Trends = z
  .object({
    span: Span,
    stepMs: Count,
    from: Time,
    points: z.array(Point.nullable()).meta({ description: "oldest first; null: Lockstep did not run" }),
    whole: Point.nullable().meta({ description: "all steps together" }),
    diskFullAt: Time.nullable().meta({
      description: "when the disk is full if it goes on as in the last week; null: it does not fill up",
    }),
  })
  .meta({ id: "Trends" });

export type TrendPointView = z.infer<typeof Point>;
export type TrendsView = z.infer<typeof Trends>;

export interface TrendPorts {
  trends(span: Span): TrendsView;
}

/** Serves the figures that the page draws. */
export function addTrendRoute(routes: Routes, ports: TrendPorts): void {
  routes.add(
    {
      method: "get",
      path: "/api/v1/trends",
      summary: "Lag, pushes, failures, backlog, proofs, rate limits and disk of the last hour, day or week",
      isOfWhole: true,
      query: { span: Span.optional().meta({ description: "the default is day" }) },
      answers: { 200: Trends },
      problems: [400],
    },
    (context) => {
      const span = findSpan(context.req.query());
      return span instanceof Response ? span : context.json(ports.trends(span));
    },
  );
}

/** Parses `?span=`; an empty one counts as absent. */
export function findSpan({ span }: Record<string, string>): Span | Response {
  const found = Span.safeParse(span || "day");
  return found.data ?? badRequest("the value of span is unknown", `use one of ${Span.options.join(", ")}`);
}
