import type { Context } from "hono";
import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { onPage } from "../dialect.js";
import { assetPath } from "./assets.js";
import { Icon, type IconName } from "./icon.js";
import { takeNote } from "./note.js";
import { Notice } from "./notice.js";
import { findParts, Live, type Part } from "./part.js";
import { sentence } from "./parts.js";
import { SIGNS, type Standing, standingOf } from "./standing.js";
import { isUpdate, setDrawing } from "./update.js";

interface Frame {
  title: string;
  /** The active entry of the navigation; undefined when nobody is signed in. */
  here?: string;
  status?: 200 | 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;
  headers?: Record<string, string>;
}

const NAVIGATION: [path: string, name: string, icon: IconName][] = [
  ["/", "Overview", "pulse"],
  ["/repositories", "Repositories", "repo"],
  ["/deliveries", "Deliveries", "webhook"],
  ["/server", "Server", "server"],
];
/** Pages that the navigation has as a part of another. */
const PARTS: Record<string, string> = { "/readers": "/server", "/audit": "/server" };

/** Renders a page around its content. */
export function page(context: Context, { title, here, status = 200, headers = {} }: Frame, content: Child) {
  const standing = here ? standingOf(context) : null;
  if (status === 200 && here && isUpdate(context)) return update(context, { title, here }, standing, content);
  const note = here && takeNote(context);
  const document = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <Sign title={titleOf(title, here, standing)} standing={standing} />
        <link rel="stylesheet" href={assetPath("page.css")} />
        {here && <script src={assetPath("page.js")} defer />}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="top">
          <p class="brand">
            <img src={assetPath("icon.svg")} alt="" width="20" height="20" />
            Lockstep
          </p>
          {here && <Navigation here={PARTS[here] ?? here} standing={standing} />}
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

/** Draws what an open page may lack: the parts of its content, and how many repositories there are. */
function update(
  context: Context,
  { title, here }: Required<Pick<Frame, "title" | "here">>,
  standing: Standing | null,
  content: Child,
) {
  const parts = findParts(
    <>
      {standing && <Count of={standing} />}
      {content}
    </>,
  );
  const frame = String(
    <>
      <Sign title={titleOf(title, here, standing)} standing={standing} />
      <Drawn at={new Date()} parts={parts} />
    </>,
  );
  return setDrawing(context, { frame, parts });
}

/** What a tab shows of a page that is not looked at. */
const Sign = ({ title, standing }: { title: string; standing: Standing | null }) => (
  <>
    <title>{title}</title>
    <link
      id="icon"
      rel="icon"
      href={assetPath(FAVICONS[standing?.verdict.mood ?? "good"])}
      data-gone={assetPath("icon-gone.svg")}
    />
  </>
);

const FAVICONS = {
  good: "icon.svg",
  busy: "icon-busy.svg",
  none: "icon.svg",
  warn: "icon-warn.svg",
  bad: "icon-bad.svg",
} as const;

/** The title of a tab says how the whole is, whatever page is open in it. */
function titleOf(title: string, here: string | undefined, standing: Standing | null): string {
  if (!standing) return `${title} – Lockstep`;
  const { mood, brief } = standing.verdict;
  return `${SIGNS[mood]} ${here === "/" ? brief : title} – Lockstep`;
}

/** The script fills this in when it hears nothing from the server; without the script it stays empty. */
const Silence = () => <div id="silence" class="notice warn" role="status" hidden />;

interface DrawnProps {
  at: Date;
  /** The parts that the page has today. The script loads a page again that has become another one. */
  parts?: Part[];
}

/** Says how old the page is, which a reader without JavaScript cannot tell otherwise. */
const Drawn = ({ at, parts }: DrawnProps) => (
  <footer data-live="drawn" data-parts={parts?.map(({ name }) => name).join()}>
    As of{" "}
    <time id="drawn" datetime={at.toISOString()}>
      {at.toISOString().slice(0, 19).replace("T", " ")} UTC
    </time>
  </footer>
);

const Navigation = ({ here, standing }: { here: string; standing: Standing | null }) => (
  <>
    <nav aria-label="Main">
      {NAVIGATION.map(([path, name, icon]) => (
        <a href={path} aria-current={path === here ? "page" : undefined}>
          <Icon name={icon} />
          {name}
          {path === "/repositories" && standing && (
            <>
              {" "}
              <Count of={standing} />
            </>
          )}
        </a>
      ))}
    </nav>
    {here !== "/repositories" && (
      <form class="find" method="get" action="/repositories">
        <input
          type="search"
          name="name"
          maxlength={140}
          placeholder="Find a repository"
          aria-label="Find a repository"
          data-find=""
        />
        <span class="slash" aria-hidden="true">
          /
        </span>
      </form>
    )}
    <span class="heard">
      <Icon name="dot-fill" /> <span id="heard">not updated</span>
    </span>
    <form method="post" action="/sign-out">
      <button type="submit" class="icon-button" title="Sign out">
        <Icon name="sign-out" />
        <span class="hidden">Sign out</span>
      </button>
    </form>
  </>
);

const Count = ({ of: { repositories } }: { of: Standing }) => (
  <Live name="count" tag="span" class="count">
    {repositories.toLocaleString("en")}
  </Live>
);

/** Links to the parts of the server's page. */
export const ServerParts = ({ here }: { here: string }) => (
  <nav class="subnav" aria-label="Server">
    {SERVER_PARTS.map(([path, name]) => (
      <a href={path} aria-current={path === here ? "page" : undefined}>
        {name}
      </a>
    ))}
  </nav>
);

const SERVER_PARTS = [
  ["/server", "State"],
  ["/readers", "Readers"],
  ["/audit", "Audit"],
] as const;

/** Renders a page with one message, such as the reason of a refusal. */
export function message(context: Context, frame: Frame, detail: string, remedy: string) {
  return page(
    context,
    frame,
    <>
      <h1>{frame.title}</h1>
      <Notice mood="bad">{sentence(detail)}</Notice>
      <p>→ {sentence(onPage(remedy))}</p>
    </>,
  );
}
