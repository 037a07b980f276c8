import type { IncomingMessage, ServerResponse } from "node:http";

/** Resolves to true when it has answered, to false when the request is not for it. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/**
 * Puts the handlers in the place of a Probot instance's webhook middleware, which is first in its
 * server's row. Probot's own is thereby never reached: it takes deliveries signed with
 * "development" while no secret is set, and reads bodies without limit.
 * @param app the instance, before its server starts.
 * @param handlers asked in order; what none of them answers goes on to Probot's own pages and 404.
 */
export function mount(app: { getNodeMiddleware: unknown }, handlers: readonly Handler[]): void {
  app.getNodeMiddleware = async () => async (request: IncomingMessage, response: ServerResponse) => {
    for (const handler of handlers) {
      if (await answered(handler, request, response)) return true;
    }
    return false;
  };
}

/** @throws what the handler threw, for Probot's server to log and answer with a 500. */
async function answered(handler: Handler, request: IncomingMessage, response: ServerResponse) {
  try {
    return await handler(request, response);
  } catch (error) {
    // Probot would write a second head, and that error nobody catches: it ends the process.
    if (!response.headersSent) throw error;
    response.destroy();
    return true;
  }
}
