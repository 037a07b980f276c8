import type { Random } from "../../../tools/random.js";
import type {
  EventActions,
  EventDetails,
  EventName,
  Installation,
  Push,
  Repo,
  StandIn,
} from "../../../tools/standin/index.js";
import { ZERO } from "../../../tools/standin/index.js";

/** One webhook call, as it was when GitHub made the call. */
export interface Call {
  event: EventName | "push";
  payload: Record<string, unknown>;
}

export interface Account {
  login: string;
  /** Null means that the account has not installed the App. */
  installation: Installation | null;
}

/** A repository, and what is known of its refs without asking git. */
export interface Life {
  repo: Repo;
  refs: Map<string, string>;
  /** Every commit that a branch ever pointed at; a forced push may return to one. */
  commits: string[];
  deleted: boolean;
  /** The repository's history, printed with a fault. */
  history: string[];
}

/** One kind of change; returns null when no such change is possible now. */
export interface Act {
  weight: number;
  act(population: Population): Promise<Call[] | null>;
}

/** There are more names than repositories, but so few that names are reused. */
const NAMES = ["app", "lib", "site", "docs", "tools"];
const LOGINS = ["acme", "globex", "initech", "umbrella", "hooli"];

/** Accounts, their repositories and all changes of them. */
export class Population {
  readonly lives: Life[] = [];
  readonly accounts: Account[] = [];
  changes = 0;

  constructor(
    readonly standin: StandIn,
    readonly random: Random,
  ) {}

  /** Three accounts with the App and one without. */
  async settle(repositories: number): Promise<void> {
    for (const login of LOGINS.slice(0, 3)) {
      const installation = this.standin.createInstallation(login, { selection: "selected" });
      this.accounts.push({ login, installation });
    }
    this.accounts.push({ login: "stranger", installation: null });
    for (let n = 0; n < repositories; n += 1) await this.found(this.accounts[n % 3]!);
  }

  get alive(): Life[] {
    return this.lives.filter(({ deleted }) => !deleted);
  }

  /** Returns a repository that can be changed. */
  any(fits: (life: Life) => boolean = () => true): Life | undefined {
    return this.random.pick(this.alive.filter(fits));
  }

  accountOf({ repo }: Life): Account {
    return this.accounts.find(({ login }) => login === repo.owner)!;
  }

  freeName(owner: string): string | undefined {
    return this.random.pick(NAMES.filter((name) => !this.standin.world.find(owner, name)));
  }

  /** Returns an unused login, which may have been used before. */
  freeLogin(): string | undefined {
    return this.random.pick(LOGINS.filter((login) => !this.accounts.some((it) => it.login === login)));
  }

  async found(account: Account): Promise<Life | null> {
    const name = this.freeName(account.login);
    if (name === undefined) return null;
    const { standin, random } = this;
    const options = {
      installation: account.installation,
      empty: random.chance(0.1),
      private: random.chance(0.7),
    };
    const repo = await standin.createRepository(account.login, name, options);
    const refs = await standin.tips(repo);
    const life = { repo, refs, commits: [...refs.values()], deleted: false, history: [] };
    this.lives.push(life);
    this.note(life, `created as ${account.login}/${name}`);
    return life;
  }

  note(life: Life, what: string): void {
    life.history.push(`change ${this.changes}, ${new Date().toISOString().slice(14, 23)}: ${what}`);
  }

  /** GitHub sends an App no events about an account where the App is suspended or not installed. */
  report<E extends EventName>(
    event: E,
    action: EventActions[E],
    details: EventDetails[E],
    to: Installation | null,
  ) {
    const hears = to !== null && (to.suspendedAt === null || action === "suspend");
    return hears ? [{ event, payload: this.standin.eventFor(event, action, details) }] : [];
  }

  /** One git push. GitHub reports none of its tags when there are more than three. */
  pushed(life: Life, pushes: Push[]): Call[] {
    for (const { ref, before, after } of pushes) {
      this.note(life, `${ref} ${before.slice(0, 7)}..${after.slice(0, 7)}`);
      if (after === ZERO) life.refs.delete(ref);
      else life.refs.set(ref, after);
      if (after !== ZERO && ref.startsWith("refs/heads/")) life.commits.push(after);
    }
    const { installation } = life.repo;
    if (!installation || installation.suspendedAt) return [];
    const tags = pushes.filter(({ ref }) => ref.startsWith("refs/tags/"));
    const reported = tags.length > 3 ? pushes.filter((push) => !tags.includes(push)) : pushes;
    return reported.map((push) => ({ event: "push" as const, payload: this.standin.payloadFor(push) }));
  }

  /** Makes one random change that is possible. */
  async change(acts: Act[]): Promise<Call[]> {
    this.changes += 1;
    for (;;) {
      const reported = await this.random.weighted(acts).act(this);
      if (reported) return reported;
    }
  }
}
