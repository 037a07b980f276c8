import type { Announcement } from "../../src/base/model.js";
import { expectValid } from "./event-schema.js";

export interface Message {
  id?: number;
  event?: string;
  data?: Announcement;
}

/** Reads an event stream until `enough`; later events are not read. */
export async function readEvents(
  response: Response,
  enough: (messages: Message[]) => boolean,
): Promise<Message[]> {
  const messages: Message[] = [];
  let text = "";
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (!enough(messages)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    messages.push(...blocks.map(parse).filter(({ event }) => event !== undefined));
  }
  await reader.cancel().catch(() => {});
  return messages;
}

function parse(block: string): Message {
  const message: Message = {};
  for (const line of block.split("\n")) {
    const value = line.slice(line.indexOf(": ") + 2);
    if (line.startsWith("id: ")) message.id = Number(value);
    if (line.startsWith("event: ")) message.event = value;
    if (line.startsWith("data: ")) message.data = JSON.parse(value) as Announcement;
  }
  // A gap is no event.
  if (message.event !== "gap" && message.data) expectValid(message.data);
  return message;
}
