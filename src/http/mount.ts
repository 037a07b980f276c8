import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Resolves to true when the handler has answered, and to false when the request belongs to another handler.
 */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/**
 * Replaces the webhook middleware of a Probot instance, which is the first handler of its server. Probot's
 * own is thereby never reached: it accepts deliveries signed with "development" while no secret is set, and
 * reads bodies without limit.
 * @param app the instance, before its server starts
 * @param handlers asked in order; requests that none of them answers go on to Probot's own pages and 404
 */
export function mount(app: { getNodeMiddleware: unknown }, handlers: readonly Handler[]): void {
  app.getNodeMiddleware = async () => async (request: IncomingMessage, response: ServerResponse) => {
    for (const handler of handlers) {
      if (await answered(handler, request, response)) return true;
    }
    return false;
  };
}

/** @throws what the handler threw, which Probot's server logs and answers with a 500 */
async function answered(handler: Handler, request: IncomingMessage, response: ServerResponse) {
  try {
    return await handler(request, response);
  } catch (error) {
    // Probot would send headers a second time, and that uncaught error would end the process.
    if (!response.headersSent) throw error;
    response.destroy();
    return true;
  }
}
