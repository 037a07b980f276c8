import { mirrorPath, watchTip } from "../mirror.js";
import type { Push, Repo, StandIn } from "../standin/index.js";

const TIMEOUT_MS = 60_000;

/** Sends deliveries, and measures when the mirrors have what the deliveries report. */
export class Scene {
  pushesSent = 0;

  constructor(
    readonly standin: StandIn,
    private readonly dataDir: string,
    private readonly webhookUrl: string,
  ) {}

  mirrorOf(repo: Repo): string {
    return mirrorPath(this.dataDir, repo.owner, repo.name);
  }

  /** Sends pushes at once, each to another ref. @returns milliseconds from sending to the mirror, for each. */
  send(pushes: Push[]): Promise<number[]> {
    return Promise.all(pushes.map(async (push) => (await this.sendChain([push]))[0]!));
  }

  /**
   * Sends pushes to one ref as they are made. A push counts as there when the mirror has it or a later one:
   * one refresh may bring many.
   */
  sendChain(pushes: AsyncIterable<Push> | Push[], ended?: { last: string }): Promise<number[]> {
    const sent: { after: string; at: number }[] = [];
    const took: number[] = [];
    return new Promise((resolve, reject) => {
      let stop = (): void => {};
      const deadline = setTimeout(() => fail(new Error(missing(sent, took.length))), TIMEOUT_MS);
      const finish = (): void => {
        clearTimeout(deadline);
        stop();
      };
      const fail = (error: unknown): void => {
        finish();
        reject(error);
      };
      const arrived = (tip: string, at: number): void => {
        const newest = sent.findLastIndex((push) => push.after === tip);
        while (took.length <= newest) took.push(Math.max(0, at - sent[took.length]!.at));
        const last = ended?.last ?? sent.at(-1)?.after;
        if (took.length < sent.length || tip !== last) return;
        finish();
        resolve(took);
      };
      const run = async (): Promise<void> => {
        for await (const push of pushes) {
          if (sent.length === 0) stop = watchTip(this.mirrorOf(push.repo), push.ref, arrived);
          sent.push({ after: push.after, at: performance.now() });
          this.#post(push).catch(fail);
        }
      };
      run().catch(fail);
    });
  }

  async #post(push: Push): Promise<void> {
    this.pushesSent += 1;
    const { status, body } = await this.standin.deliver(push, { to: this.webhookUrl });
    if (status !== 202) throw new Error(`the delivery of ${push.ref} was answered ${status}: ${body}`);
  }
}

const missing = (sent: { after: string }[], arrived: number): string =>
  `${sent.length - arrived} of ${sent.length} pushes did not reach the mirror within ${TIMEOUT_MS / 1000} s`;
