import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { tokenCheck } from "./bearer.js";
import { forbidden, type Refusal, refuse } from "./setup-refusal.js";

/** Matches the address to which Probot's page sends the manifest, with or without an organization's name. */
const FORM = /<form action="([^"?#]+\/settings\/apps\/new)" method="post"/g;

const STRANGER = `GitHub's answer does not belong to this setup page: it is somebody else's link, or Lockstep was \
started again since you opened the page. Nothing was registered. Open the setup page and register the App there.`;

const UNKNOWN_PAGE = `Lockstep does not recognize Probot's setup page, so it could not tell GitHub's answer from a \
stranger's link. Install Lockstep with "npm ci" in a clone, or register the App by hand and open /probot/import.`;

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
