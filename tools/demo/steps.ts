import { type Push, type Repo, ZERO } from "../standin/index.js";
import type { Scene } from "./scene.js";

export const BURST = 200;

export interface Step {
  title: string;
  /** @returns milliseconds for each push. */
  run(scene: Scene, repos: Repo[], progress: (text: string) => void): Promise<number[]>;
}

const single = (title: string, push: (scene: Scene, repo: Repo) => Promise<Push>): Step => ({
  title,
  run: async (scene, [repo]) => scene.send([await push(scene, repo!)]),
});

/** No upstream of a visitor has branches of these names. */
const BRANCH = "lockstep-demo";
const TAG = "lockstep-demo";

export const STEPS: Step[] = [
  single("push to the default branch", ({ standin }, repo) => standin.commit(repo, repo.defaultBranch)),
  single("another push to it", ({ standin }, repo) => standin.commit(repo, repo.defaultBranch)),
  single("new branch", ({ standin }, repo) => standin.commit(repo, BRANCH)),
  { title: "four branches in one push", run: severalBranches },
  { title: "a push to each repository at once", run: everyRepository },
  single("forced push", async ({ standin }, repo) => {
    const to = await standin.commitObject(repo, { parent: await standin.resolve(repo, repo.defaultBranch) });
    return standin.forcePush(repo, BRANCH, to);
  }),
  single("forced push of an unrelated history", ({ standin }, repo) =>
    standin.forcePush(repo, BRANCH, { orphan: true }),
  ),
  single("deleted branch", ({ standin }, repo) => standin.deleteRef(repo, `refs/heads/${BRANCH}`)),
  single("lightweight tag", ({ standin }, repo) => standin.createTag(repo, `${TAG}-light`)),
  single("annotated tag", ({ standin }, repo) => standin.createTag(repo, `${TAG}-full`, { annotated: true })),
  { title: `burst of ${BURST} pushes to one branch`, run: burst },
];

async function severalBranches(scene: Scene, [repo]: Repo[]): Promise<number[]> {
  const { standin } = scene;
  const parent = await standin.resolve(repo!, repo!.defaultBranch);
  const changes = [];
  for (const n of [1, 2, 3, 4]) {
    const after = await standin.commitObject(repo!, { parent });
    changes.push({ ref: `refs/heads/${BRANCH}-${n}`, before: ZERO, after });
  }
  return scene.send(await standin.updateRefs(repo!, changes));
}

async function everyRepository(scene: Scene, repos: Repo[]): Promise<number[]> {
  const pushes = repos.map((repo) => scene.standin.commit(repo, repo.defaultBranch));
  return scene.send(await Promise.all(pushes));
}

/** The commits are made beforehand, so that the pushes come as fast as they can be sent. */
async function burst(scene: Scene, [repo]: Repo[], progress: (text: string) => void): Promise<number[]> {
  const { standin } = scene;
  const ref = `refs/heads/${repo!.defaultBranch}`;
  const commits = [await standin.resolve(repo!, ref)];
  for (let n = 0; n < BURST; n += 1) {
    if (n % 20 === 0) progress(`making commit ${n} of ${BURST} …`);
    commits.push(await standin.commitObject(repo!, { parent: commits.at(-1)! }));
  }
  async function* pushes(): AsyncGenerator<Push> {
    for (let n = 0; n < BURST; n += 1) {
      if (n % 20 === 0) progress(`sending push ${n} of ${BURST} …`);
      yield* await standin.updateRefs(repo!, [{ ref, before: commits[n]!, after: commits[n + 1]! }]);
    }
  }
  return scene.sendChain(pushes(), { last: commits.at(-1)! });
}
