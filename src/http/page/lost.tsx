import { Hono } from "hono";
import type { Handler } from "../handler.js";
import { serve } from "../serve.js";
import { SETUP_PATH } from "../setup-state.js";
import { page } from "./layout.js";
import { headers, noStore, withCookies } from "./middleware.js";
import { notFoundPage } from "./not-found.js";
import type { Sessions } from "./session.js";
import { withStanding } from "./standing.js";

interface Options {
  sessions: Pick<Sessions, "isOpen">;
  status: Parameters<typeof withStanding>[0];
}

/** Answers a browser that asks for what nobody serves; programs and Probot's own paths get Probot's answer. */
export function createLost({ sessions, status }: Options): Handler {
  const app = new Hono();
  const standing = withStanding(status);
  app.use(headers, noStore, withCookies);
  // The tab of the set-up was there before the App was registered.
  for (const path of ["/probot", "/probot/*"]) app.get(path, (context) => context.redirect("/", 302));
  app.get(SETUP_PATH, (context) => {
    // A redirect would still be GitHub's, and a browser sends no strict cookie with it.
    const frame = { title: "The App is installed", headers: { refresh: "0; url=/" } };
    return page(
      context,
      frame,
      <div class="narrow">
        <h1>The App is installed</h1>
        <p>
          Its repositories appear by themselves. → <a href="/">Go to the overview</a>
        </p>
      </div>,
    );
  });
  // Only who is signed in learns from the title how the mirrors are.
  app.use(async (context, next) => ((await sessions.isOpen(context)) ? standing(context, next) : next()));
  app.notFound(async (context) => notFoundPage(context, { isSignedIn: await sessions.isOpen(context) }));
  const answer = serve(app, (path) => !path.startsWith("/api/"));
  return async (request, response) => isBrowser(request) && (await answer(request, response));
}

/** A browser names HTML when somebody opens a page. */
const isBrowser = ({ method, headers: sent }: Parameters<Handler>[0]): boolean =>
  method === "GET" && (sent.accept ?? "").includes("text/html");
