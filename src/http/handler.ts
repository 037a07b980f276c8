import type { IncomingMessage, ServerResponse } from "node:http";

export interface Handler {
  /** Resolves to true when the handler has answered, and to false when the request belongs to another handler. */
  (request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Whether the handler will answer, so that Probot's layers and the handlers before it need not see the request. */
  isSole?(request: IncomingMessage): boolean;
}
