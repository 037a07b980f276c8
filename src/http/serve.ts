import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { createTurns } from "../base/spread.js";
import type { Handler } from "./handler.js";

/** An answer of the API or the page takes some milliseconds. */
const AT_A_TIME = 4;

/**
 * Turns a Hono app into one of several handlers.
 * @param isServed whether the app answers this path; other requests go to the next handler
 */
export function serve(app: Hono, isServed: (path: string) => boolean): Handler {
  // The adapter would replace the process's global Request and Response with its own.
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const turn = createTurns(AT_A_TIME);
  return async (request, response) => {
    if (!isServed(request.url?.split("?")[0] ?? "")) return false;
    if (!isHost(request.headers.host)) {
      response.writeHead(400, { connection: "close" }).end();
      return true;
    }
    await turn();
    await listener(request, response);
    return true;
  };
}

/** The adapter accepts hosts such as `xn--`, and throws later, when it makes a URL of them. */
const isHost = (host: string | undefined): boolean => host !== undefined && URL.canParse(`http://${host}`);
