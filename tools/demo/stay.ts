import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../random.js";
import type { Push, Repo, StandIn } from "../standin/index.js";
import { formatMs } from "../stats.js";
import { bold, print } from "../terminal.js";
import type { Scene } from "./scene.js";

const EVERY_MS = { least: 1_000, most: 6_000 } as const;
const TOPICS = 6;

export interface Address {
  url: string;
  token: string;
}

/** Says where the page is, and how the command line reaches this Lockstep. */
export function printAddress({ url, token }: Address): void {
  print();
  print(bold(`Lockstep goes on at ${url}, with a push every few seconds, until Ctrl-C.`));
  print();
  print(`  page       ${url}/  sign in with the token`);
  print(`  token      ${token}`);
  print(`  status     LOCKSTEP_URL=${url} API_TOKEN=${token} node lib/cli.js status`);
  print();
}

/** Sends a push now and then, and prints what it took, until the process is ended. */
export async function pushOn(scene: Scene, repos: Repo[]): Promise<never> {
  const random = new Random(Date.now());
  for (;;) {
    const repo = repos[random.below(repos.length)]!;
    const push = await someChange(scene.standin, repo, random);
    const [took = 0] = await scene.send([push]);
    const what = /^0+$/.test(push.after) ? "deleted" : push.after.slice(0, 7);
    print(`${repo.owner}/${repo.name} ${push.ref.slice("refs/heads/".length)} → ${what}, ${formatMs(took)}`);
    const pause = EVERY_MS.least + random.below(EVERY_MS.most - EVERY_MS.least);
    await sleep(pause);
  }
}

/** Mostly a commit to the default branch; now and then a topic branch comes, moves, is forced or goes. */
async function someChange(standin: StandIn, repo: Repo, random: Random): Promise<Push> {
  const topic = `topic/${1 + random.below(TOPICS)}`;
  const kind = random.below(10);
  if (kind < 6) return standin.commit(repo, repo.defaultBranch);
  const tips = await standin.tips(repo);
  const exists = tips.has(`refs/heads/${topic}`);
  if (kind === 9 && exists) return standin.deleteRef(repo, `refs/heads/${topic}`);
  return kind === 8 && exists
    ? standin.forcePush(repo, topic, { orphan: true })
    : standin.commit(repo, topic);
}
