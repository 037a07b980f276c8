import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

type Answer = (req: IncomingMessage, res: ServerResponse, body: Buffer) => void;

/** A host whose answers the test gives one by one, and which records the requests. */
export async function scriptedHost(...answers: Answer[]) {
  const asked: { method: string; url: string; auth: string; body: string; port: number }[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const auth = req.headers.authorization ?? "";
    const { method = "", url = "" } = req;
    asked.push({ method, url, auth, body: body.toString(), port: req.socket.remotePort ?? 0 });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(req, res, body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

export const answer =
  (status: number, body = "", headers: Record<string, string> = {}): Answer =>
  (_, res) =>
    void res.writeHead(status, headers).end(body);
