import type { Crowd } from "../crowd.js";
import { connected, figuresOf, gathered, leave } from "./client.js";

export const IDLE_STREAMS: Crowd = {
  name: "idle-streams",
  size: 1_000,
  about: "event streams of the API, and of open pages, that stay open",
  async gather({ port, token, cookie }, size, random) {
    const api = Buffer.from(
      `GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
    );
    const page = Buffer.from(`GET /live HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\n\r\n`);
    const clients = await gathered(port, size, (index) =>
      connected(port, random, index % 4 === 0 ? page : api),
    );
    return { describe: () => figuresOf(clients), leave: () => leave(clients) };
  },
};
