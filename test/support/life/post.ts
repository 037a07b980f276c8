import { randomUUID } from "node:crypto";
import type { Random } from "../../../tools/random.js";
import type { World } from "../world.js";
import type { Call } from "./population.js";

interface Letter extends Call {
  id: string;
  /** The call arrives after this many more changes. */
  after: number;
}

/** The fates of deliveries, as shares of all. */
const LOST = 0.12;
const LOST_WITHOUT_A_TRACE = 0.06;
const LATE = 0.2;
const TWICE = 0.1;
/** A late delivery arrives after at most this many changes; some arrive after the end. */
const LATEST = 80;

/** The way from GitHub to Lockstep, which loses, delays, reorders and repeats deliveries. */
export class Post {
  readonly statuses = new Set<number>();
  readonly #underWay = new Set<Promise<void>>();
  /** When each ref was last pushed to, in GitHub's whole seconds. */
  readonly #pushedAt = new Map<string, number>();
  #late: Letter[] = [];

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {}

  /** Accepts the calls of one change, and delivers those that are due. */
  send(calls: Call[]): void {
    for (const letter of this.#late) letter.after -= 1;
    for (const one of this.random.shuffled(calls)) this.#take({ ...one, id: randomUUID(), after: 0 });
    this.#deliverDue(({ after }) => after <= 0);
  }

  /** Waits until everything that was sent has been answered. */
  async arrived(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Delivers everything that is late, even calls that nobody waits for any more. */
  async deliverRest(): Promise<void> {
    this.#deliverDue(() => true);
    await this.arrived();
  }

  #take(letter: Letter): void {
    const { random } = this;
    const lot = random.next();
    // What undoes a push in the push's own second can be told from an old answer only by its trace: decision 27.
    const isTraced = this.#isSecondInItsSecond(letter) || lot < LOST;
    if (lot < LOST + LOST_WITHOUT_A_TRACE) {
      if (isTraced) this.#deliver(letter, undefined);
      return;
    }
    const late = { ...letter, after: 1 + random.below(LATEST) };
    if (lot > 1 - LATE - TWICE) this.#late.push(late);
    if (lot < 1 - LATE) this.#deliver(letter, `${this.world.url}/api/github/webhooks`);
  }

  /** Whether the ref was pushed to before in the same second. */
  #isSecondInItsSecond({ event, payload }: Letter): boolean {
    if (event !== "push") return false;
    const { ref, repository } = payload as { ref: string; repository: { id: number; pushed_at: number } };
    const key = `${repository.id} ${ref}`;
    const isSecond = this.#pushedAt.get(key) === repository.pushed_at;
    this.#pushedAt.set(key, repository.pushed_at);
    return isSecond;
  }

  #deliverDue(isDue: (letter: Letter) => boolean): void {
    const due = this.#late.filter(isDue);
    this.#late = this.#late.filter((letter) => !due.includes(letter));
    for (const letter of this.random.shuffled(due))
      this.#deliver(letter, `${this.world.url}/api/github/webhooks`);
  }

  #deliver({ event, payload, id }: Letter, to: string | undefined): void {
    const options = to === undefined ? { id } : { id, to };
    const sent = this.world.standin.deliverEvent(event, payload, options).then(
      ({ status }) => void this.statuses.add(status),
      // Lockstep is down: GitHub records the failure and does not retry.
      () => {},
    );
    this.#underWay.add(sent);
    void sent.finally(() => this.#underWay.delete(sent));
  }
}
