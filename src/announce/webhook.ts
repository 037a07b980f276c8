import { createHash } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { Dispatcher as Agent } from "undici";
import type { Announcement } from "../base/model.js";
import type { Consumer } from "./consumer.js";
import { createPost, shownUrl } from "./post.js";

interface Options {
  /** The secret is `whsec_` followed by base64. */
  secret: string;
  /** Distinguishes event ids of this DATA_DIR from those of a DATA_DIR created later. */
  origin: string;
  agent: Agent;
}

const AT_A_TIME = 8;

/** Sends events to one of ANNOUNCE_URLS: https://www.standardwebhooks.com */
export function createWebhook(url: string, { secret, origin, agent }: Options): Consumer {
  const signer = new Webhook(secret);
  const hash = createHash("sha256").update(url).digest("hex").slice(0, 16);
  const post = createPost(url, agent);

  async function deliver(event: Announcement, _part: number, stopping: AbortSignal): Promise<void> {
    const body = JSON.stringify(event);
    const id = `${origin}-${event.id}`;
    const at = new Date();
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": signer.sign(id, at, body),
    };
    await post({ body, headers, stopping });
  }

  return {
    key: `webhook:${hash}`,
    shown: shownUrl(url),
    atATime: AT_A_TIME,
    isShared: true,
    parts: () => 1,
    deliver,
  };
}
