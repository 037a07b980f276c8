import { setTimeout as sleep } from "node:timers/promises";
import { waitForTip } from "../mirror.js";
import type { World } from "./world.js";

const EVERY_MS = 3_000;
const ARRIVES_MS = 60_000;

/** Genuine pushes, which arrive whatever else comes. */
export class Pushes {
  /** The time from the delivery until the mirror's ref is the pushed commit, in milliseconds. */
  readonly lags: number[] = [];
  readonly faults: string[] = [];
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;

  constructor(private readonly world: World) {}

  start(): void {
    this.#running = this.#repeat();
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  /** Pushes once, and waits until the commit is in the mirror. */
  async push(): Promise<void> {
    const { world } = this;
    const push = await world.standin.commit(world.live, "main");
    try {
      const sentAt = await world.deliver(push);
      const arrivedAt = await waitForTip(world.mirrorOf(world.live), push.ref, push.after, ARRIVES_MS);
      this.lags.push(arrivedAt - sentAt);
    } catch (error) {
      this.faults.push(`a genuine push did not arrive: ${(error as Error).message}`);
    }
  }

  async #repeat(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.push();
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
