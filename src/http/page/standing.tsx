import type { Context, MiddlewareHandler } from "hono";
import type { StatusView } from "../status-view.js";
import { sharesOf, type Verdict, verdictOf } from "../verdict.js";
import { Icon, type IconName, type Mood } from "./icon.js";

const KEY = "standing";

/** How the whole is, which every page says in its title and its icon. */
export interface Standing {
  verdict: Verdict;
  /** How many repositories are listed. */
  repositories: number;
}

/** Lets every page say how the whole is, unless the database cannot be read. */
export function withStanding(status: () => StatusView | Promise<StatusView>): MiddlewareHandler {
  return async (context, next) => {
    const view = await Promise.resolve()
      .then(status)
      .catch(() => null);
    context.set(KEY, view);
    await next();
  };
}

/** @returns null: nobody is signed in, or the database cannot be read */
export function standingOf(context: Context): Standing | null {
  const view = context.get(KEY) as StatusView | null | undefined;
  if (!view) return null;
  const repositories = Object.values(view.repositories).reduce((a, b) => a + b, 0);
  return { verdict: verdictOf(view), repositories };
}

/** The sign in front of a tab's title, for people who see no colours. */
export const SIGNS: Record<Mood, string> = { good: "✓", busy: "…", warn: "!", bad: "✗", none: "·" };

const ICONS: Record<Mood, IconName> = {
  good: "check-circle-fill",
  busy: "sync",
  warn: "alert-fill",
  bad: "x-circle-fill",
  none: "repo",
};

/**
 * Says in large letters how the whole is. The script hides it while the server is silent.
 * @param isBrief whether what is below says the rest
 */
export function VerdictBox({ of: status, isBrief = false }: { of: StatusView; isBrief?: boolean }) {
  const { mood, title, detail } = verdictOf(status);
  return (
    <section class={`verdict ${mood}`} data-verdict="">
      <h1>
        <Icon name={ICONS[mood]} />
        {title}
      </h1>
      {!isBrief && <p class="dim">{detail}</p>}
      {status.mirrors.managed > 0 && <Shares of={status} />}
    </section>
  );
}

const WORDS = [
  ["inStep", "good", "in step"],
  ["cloning", "busy", "not cloned yet"],
  ["late", "none", "not compared yet"],
  ["held", "warn", "held"],
  ["failing", "bad", "failing"],
] as const;

/** What was in step before an outage may not be so now. */
const wordsDuring = ({ outages }: StatusView["queue"]) =>
  WORDS.map(([key, kind, word]) =>
    key === "inStep" && outages.length > 0
      ? ([key, "none", "in step until then"] as const)
      : ([key, kind, word] as const),
  );

/** One bar with the share of each state; a share that is not zero is never too thin to be seen. */
function Shares({ of: status }: { of: StatusView }) {
  const shares = sharesOf(status);
  const shown = wordsDuring(status.queue).filter(([key]) => shares[key] > 0);
  const least = status.mirrors.managed / 60;
  const sum = shown.reduce((all, [key]) => all + Math.max(least, shares[key]), 0);
  let x = 0;
  const label = shown.map(([key, , word]) => `${shares[key].toLocaleString("en")} ${word}`).join(", ");
  return (
    <svg class="share" role="img" aria-label={label} viewBox="0 0 1000 8" preserveAspectRatio="none">
      {shown.map(([key, kind, word], n) => {
        const width = (Math.max(least, shares[key]) / sum) * 1000;
        const from = x;
        x += width;
        return (
          <rect
            class={kind}
            x={from.toFixed(1)}
            y="0"
            width={(width - (n < shown.length - 1 ? 3 : 0)).toFixed(1)}
            height="8"
          >
            <title>{`${shares[key].toLocaleString("en")} ${word}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
