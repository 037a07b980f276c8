import type { Dispatcher } from "undici";
import { createPost, createPostAgent } from "../announce/post.js";

/** Posts a message as Slack takes it, and what is compatible with it: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export function createSend(url: string, agent: Dispatcher) {
  const post = createPost(url, agent);
  /** @throws NotAccepted */
  return ({ id, text }: { id: string; text: string }, stopping: AbortSignal): Promise<void> =>
    post({ body: JSON.stringify({ text }), headers: { "webhook-id": id }, stopping });
}

/** Sends one message. @throws NotAccepted */
export async function sendOnce(url: string, message: { id: string; text: string }): Promise<void> {
  const agent = createPostAgent();
  try {
    await createSend(url, agent)(message, new AbortController().signal);
  } finally {
    await agent.destroy();
  }
}
