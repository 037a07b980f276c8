import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Members } from "./members.js";
import { createSigner, fromHeader, type SignerPorts, sendToNode, toHeader } from "./signed-request.js";

/** Below this path a node answers readers of mirrors whom another node has judged. */
const PATH = "/cluster/v1/reads/";
const CLAIM = "x-lockstep-reader";

const Read = z.object({
  repositoryId: z.int().positive(),
  owner: z.string().max(100),
  name: z.string().max(200),
  /** The reader's name in logs; never a credential. */
  reader: z.string().max(500),
  way: z.enum(["github", "oidc", "token", "public"]),
  version: z.union([z.literal(0), z.literal(1), z.literal(2)]),
});
const Claim = Read.extend({
  method: z.string(),
  path: z.string(),
  /** SHA-256, in hex. */
  body: z.string(),
});

type Read = z.output<typeof Read>;

interface Ports extends SignerPorts {
  members: Pick<Members, "get">;
}

/** Passes readers of mirrors to other nodes, with who they are, and never with a credential. */
export function createPassedReads({ members, ...ports }: Ports) {
  const signer = createSigner(ports);
  return {
    /** @throws what the connection fails with */
    async send(
      node: string,
      { body, ...read }: Read & { body: Buffer | null },
      options: { signal: AbortSignal; onAlive(): void },
    ): Promise<IncomingMessage> {
      const url = members.get(node)?.url;
      if (!url) throw new Error(`node ${node} has no NODE_URL`);
      const [method, act] = body === null ? ["GET", "info/refs"] : ["POST", "git-upload-pack"];
      const path = `${PATH}${read.repositoryId}/${act}`;
      const claim = signer.sign("reader", node, body ?? "", { ...read, method, path });
      return sendToNode(new URL(path, url), {
        ...options,
        method: method!,
        headers: {
          [CLAIM]: toHeader(claim),
          ...(body === null ? {} : { "content-type": "application/x-git-upload-pack-request" }),
        },
        body,
      });
    },
    isOurs: ({ url }: IncomingMessage): boolean => url?.startsWith(PATH) ?? false,
    /** @returns what a node has signed for this one; null: no node has, or for another request */
    open({ method, url, headers }: IncomingMessage) {
      const opened = signer.open("reader", fromHeader(headers[CLAIM]));
      const claim = opened && Claim.parse(opened);
      if (!claim || claim.method !== method || claim.path !== url) return null;
      const { body: bodyHash, path: _, method: __, ...read } = claim;
      return { ...read, bodyHash, isPack: method === "POST" };
    },
  };
}

export type PassedReads = ReturnType<typeof createPassedReads>;
