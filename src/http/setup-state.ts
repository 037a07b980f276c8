import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { tokenCheck } from "./bearer.js";
import { forbidden, type Refusal, refuse } from "./setup-refusal.js";

/** Matches the address to which Probot's page sends the manifest, with or without an organization's name. */
const FORM = /<form action="([^"?#]+\/settings\/apps\/new)" method="post"/g;
/** Matches the manifest in Probot's page. */
const MANIFEST = /(?<=\bvalue=')\{[^']*\}(?=')/;

/** Where GitHub sends the browser once the App is installed; the page answers there. */
export const SETUP_PATH = "/setup";

const STRANGER = `GitHub's answer does not belong to this setup page: it is somebody else's link, or Lockstep was \
started again since you opened the page. Nothing was registered. Open the setup page and register the App there.`;

const UNKNOWN_PAGE = `Lockstep does not recognize Probot's setup page, so it could not tell GitHub's answer from a \
stranger's link. Install Lockstep with "npm ci" in a clone, or register the App by hand and open /probot/import.`;

/** Opens the page of Lockstep as soon as that answers in place of the set-up, which leads from / to /probot. */
const LEAD_ON = `<script>
setInterval(async () => {
  const answer = await fetch("/", { redirect: "manual" }).catch(() => null);
  if (answer && answer.type !== "opaqueredirect") location.replace("/");
}, 2000);
</script>
</body>`;

/**
 * Ties GitHub's answer to this setup page: the state comes back after the code for the new App. One state
 * serves every visitor, because anyone who can read the page could also register an App there.
 * https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest#parameters
 */
export class SetupState {
  readonly #state = randomBytes(32).toString("base64url");
  readonly #isState = tokenCheck(this.#state);

  /** @param query of the address that GitHub, or an attacker, sent the browser to */
  missing(query: string): Refusal | null {
    return this.#isState(new URLSearchParams(query).get("state") ?? "") ? null : forbidden(STRANGER);
  }

  /** Adds the state to the page that Probot is about to send, whose form has no field for one. */
  putInto(response: ServerResponse): void {
    rewrite(response, (page) => {
      if (page.match(FORM)?.length !== 1) return null;
      const withState = page.replace(FORM, `<form action="$1?state=${this.#state}" method="post"`);
      return leadOn(withState.replace(MANIFEST, addSetupUrl));
    });
  }
}

/** Has the page that says that the App is registered open Lockstep's own page, once that is there. */
export const leadOnFrom = (response: ServerResponse): void => rewrite(response, leadOn);

const leadOn = (page: string): string => page.replace(/<\/body>/, () => LEAD_ON);

/** Has GitHub lead back here after the installation, to the address that the browser uses now. */
function addSetupUrl(text: string): string {
  const manifest = JSON.parse(text) as { redirect_url: string };
  return JSON.stringify({ setup_url: new URL(SETUP_PATH, manifest.redirect_url).href, ...manifest });
}

/** @param change returns null for a page that it does not know, which is then withheld */
function rewrite(response: ServerResponse, change: (page: string) => string | null): void {
  const { writeHead, end } = response;
  // The headers are held back until the whole page is known.
  response.writeHead = ((status: number, ...rest: unknown[]) => {
    response.statusCode = status;
    const headers = Object(rest.at(-1)) as OutgoingHttpHeaders;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value ?? "");
    return response;
  }) as typeof writeHead;
  response.end = ((page?: string) => {
    Object.assign(response, { writeHead, end });
    if (response.statusCode === 200) answer(response, change(String(page)));
    else response.end(page);
    return response;
  }) as typeof end;
}

function answer(response: ServerResponse, page: string | null): void {
  response.removeHeader("content-length");
  if (page === null) {
    refuse(response, { status: 500, text: UNKNOWN_PAGE });
    return;
  }
  response.setHeader("cache-control", "no-store");
  response.end(page);
}
