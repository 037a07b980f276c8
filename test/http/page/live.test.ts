import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { apiPorts } from "../../support/api.js";
import { startPage } from "../../support/page.js";

test("a change during the pause after another one is told as well", async () => {
  const newEvents = new EventEmitter();
  const ports = apiPorts();
  const { get, signIn } = await startPage({ ports: { ...ports, events: { ...ports.events, newEvents } } });
  const answer = await get("/live", await signIn());
  let heard = "";
  const reading = (async () => {
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) heard += chunk;
  })();
  reading.catch(() => {});
  const changes = () => heard.split("event: change").length - 1;
  await expect.poll(() => newEvents.listenerCount("event")).toBeGreaterThan(0);
  newEvents.emit("event");
  await expect.poll(changes).toBe(1);
  newEvents.emit("event");
  await expect.poll(changes).toBe(2);
});
