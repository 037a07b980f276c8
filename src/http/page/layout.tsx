import type { Context } from "hono";
import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { assetPath } from "./assets.js";
import { takeNote } from "./note.js";

interface Frame {
  title: string;
  /** The active entry of the navigation; undefined when nobody is signed in. */
  here?: string;
  status?: 200 | 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;
  headers?: Record<string, string>;
}

const NAVIGATION = [
  ["/", "Repositories"],
  ["/deliveries", "Deliveries"],
  ["/readers", "Readers"],
  ["/server", "Server"],
  ["/audit", "Audit"],
] as const;

/** Renders a page around its content. */
export function page(context: Context, { title, here, status = 200, headers = {} }: Frame, content: Child) {
  const note = here && takeNote(context);
  const document = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} – Lockstep</title>
        <link rel="icon" href={assetPath("icon.svg")} />
        <link rel="stylesheet" href={assetPath("page.css")} />
        {here && <script src={assetPath("page.js")} defer />}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header>
          <p class="brand">Lockstep</p>
          {here && <Navigation here={here} />}
        </header>
        <main id="main" tabindex={-1}>
          {note && <p role="status">{note}</p>}
          {here && <Silence />}
          {content}
        </main>
        {here && <Drawn at={new Date()} />}
      </body>
    </html>
  );
  return context.html(html`<!DOCTYPE html>${document}`, status, headers);
}

/** The script fills this in when it hears nothing from the server; without the script it stays empty. */
const Silence = () => <p id="silence" class="notice warn" role="status" hidden />;

/** Says how old the page is, which a reader without JavaScript cannot tell otherwise. */
const Drawn = ({ at }: { at: Date }) => (
  <footer data-live="drawn">
    Drawn at <time datetime={at.toISOString()}>{at.toISOString().slice(0, 19).replace("T", " ")} UTC</time>
  </footer>
);

const Navigation = ({ here }: { here: string }) => (
  <>
    <nav aria-label="Main">
      {NAVIGATION.map(([path, name]) => (
        <a href={path} aria-current={path === here ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
    <form method="post" action="/sign-out">
      <button type="submit">Sign out</button>
    </form>
  </>
);

/** Renders a page with one message, such as the reason of a refusal. */
export function message(context: Context, frame: Frame, detail: string, remedy: string) {
  return page(
    context,
    frame,
    <>
      <h1>{frame.title}</h1>
      <p class="notice bad">{detail}</p>
      <p>→ {remedy}</p>
    </>,
  );
}
