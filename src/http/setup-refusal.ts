import type { ServerResponse } from "node:http";

export interface Refusal {
  status: number;
  text: string;
}

export const forbidden = (text: string): Refusal => ({ status: 403, text });

export function refuse(response: ServerResponse, { status, text }: Refusal): void {
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  response.writeHead(status, headers).end(`${text}\n`);
}
