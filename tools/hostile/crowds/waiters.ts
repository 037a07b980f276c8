import type { Random } from "../../random.js";
import type { Crowd } from "../crowd.js";
import { LIVE, OWNER } from "../target.js";
import { connected, figuresOf, gathered, leave } from "./client.js";

const REPOSITORY = `/api/v1/repos/${OWNER}/${LIVE}`;
/** Of so many waiters each one waits for a commit of its own, and the others for one and the same. */
const OWN_SHARE = 0.3;
const REFRESH_SHARE = 0.1;

const neverThere = (random: Random): string =>
  Array.from({ length: 40 }, () => random.below(16).toString(16)).join("");

export const WAITERS: Crowd = {
  name: "waiters",
  size: 10_000,
  about: "calls with `wait=10m` for commits that never come, each its own or all the same, and for refreshes",
  async gather({ port, token }, size, random) {
    const shared = neverThere(random);
    const call = (): string => {
      if (random.chance(REFRESH_SHARE)) return `POST ${REPOSITORY}/refresh?wait=10m`;
      return `GET ${REPOSITORY}/contains/${random.chance(OWN_SHARE) ? neverThere(random) : shared}?wait=10m`;
    };
    const request = (): Buffer =>
      Buffer.from(
        `${call()} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 0\r\n\r\n`,
      );
    const clients = await gathered(port, size, () => connected(port, random, request()));
    return { describe: () => figuresOf(clients), leave: () => leave(clients) };
  },
};
