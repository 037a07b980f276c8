import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { worldWith } from "../support/history.js";

/** A chat that refuses as many messages as it is told to. */
async function chat() {
  const texts: string[] = [];
  const news = new EventEmitter();
  let refusals = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isRefused = refusals-- > 0;
    if (!isRefused) texts.push((JSON.parse(Buffer.concat(chunks).toString()) as { text: string }).text);
    response.writeHead(isRefused ? 503 : 200).end();
    news.emit("news");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`,
    texts,
    refuse: (count: number) => {
      refusals = count;
    },
    async until(count: number) {
      while (texts.length < count) await once(news, "news");
    },
  };
}

test("a failure is told, also after a refusal and a restart, and so is its end, each once", async () => {
  const { url, texts, refuse, until } = await chat();
  const { world, repo, standin } = await worldWith({ ALERT_URL: url, ALERT_DELAY: "1s" });
  refuse(1);
  standin.faults.gitStatus = { status: 403, times: 1_000, message: "no" };
  const push = await standin.commit(repo, "main");
  await world.pushed(push);
  const refused = await world.line(({ event }) => event === "alert_not_sent");
  expect(refused).toMatchObject({ level: "warn", attempt: 1, reason: "it answered 503" });
  await world.stop();
  await world.start();
  await until(1);
  expect(texts[0]).toMatch(/^\*Lockstep: (needs attention|not fresh)\*\n[\s\S]*acme\/app/);
  await world.line(({ event }) => event === "alert_sent");
  await world.stop();
  standin.faults.gitStatus = undefined;
  await world.start(repo);
  await until(2);
  expect(texts[1]).toContain("*Lockstep: well again*");
  expect(texts).toHaveLength(2);
  expect(JSON.stringify(world.log)).not.toContain("secret-path");
});
