import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { tokenCheck } from "./bearer.js";
import { forbidden, type Refusal, refuse } from "./setup-refusal.js";

/** How Probot's page sends the manifest to GitHub; with an organisation's name in the address, or without. */
const FORM = /<form action="([^"?#]+\/settings\/apps\/new)" method="post"/g;

const STRANGER = `GitHub's answer does not belong to this setup page: it is somebody else's link, or Lockstep was \
started again since you opened the page. Nothing was registered. Open the setup page and register the App there.`;

const UNKNOWN_PAGE = `Lockstep does not recognize Probot's setup page, so it could not tell GitHub's answer from a \
stranger's link. Install Lockstep by "npm ci" in a clone, or register the App by hand and open /probot/import.`;

/**
 * Ties what GitHub answers to this setup page: it comes back behind the code that stands for the new App.
 * One for everybody who opens the page, since who can read it could as well register an App there.
 * https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest#parameters
 */
export class SetupState {
  readonly #state = randomBytes(32).toString("base64url");
  readonly #isState = tokenCheck(this.#state);

  /** @param query of the address that GitHub, or somebody else, sent the browser to. */
  missing(query: string): Refusal | null {
    return this.#isState(new URLSearchParams(query).get("state") ?? "") ? null : forbidden(STRANGER);
  }

  /** Puts it into the page that Probot is about to answer with: its form has no place for one. */
  putInto(response: ServerResponse): void {
    const { writeHead, end } = response;
    // Held back until it is clear what to say.
    response.writeHead = ((status: number, ...rest: unknown[]) => {
      response.statusCode = status;
      const headers = Object(rest.at(-1)) as OutgoingHttpHeaders;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value ?? "");
      return response;
    }) as typeof writeHead;
    response.end = ((page?: string) => {
      Object.assign(response, { writeHead, end });
      if (response.statusCode === 200) this.#answer(response, String(page));
      else response.end(page);
      return response;
    }) as typeof end;
  }

  #answer(response: ServerResponse, page: string): void {
    response.removeHeader("content-length");
    if (page.match(FORM)?.length === 1) {
      response.setHeader("cache-control", "no-store");
      response.end(page.replace(FORM, `<form action="$1?state=${this.#state}" method="post"`));
    } else refuse(response, { status: 500, text: UNKNOWN_PAGE });
  }
}
