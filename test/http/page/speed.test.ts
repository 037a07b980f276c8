import { expect, test } from "vitest";
import { startPage } from "../../support/page.js";
import { sceneOf } from "../../support/scenes.js";

/** Returns the least processor time of twenty drawings, client included, as what else runs only adds to it. Milliseconds. */
async function costOf(path: string, repositories: number): Promise<number> {
  const { get, signIn } = await startPage({ ports: sceneOf("failing", repositories) });
  const cookie = await signIn();
  const times: number[] = [];
  for (let n = 0; n < 20; n++) {
    const began = process.cpuUsage();
    const answer = await get(path, cookie);
    await answer.text();
    const { user, system } = process.cpuUsage(began);
    times.push((user + system) / 1_000);
  }
  return Math.min(...times);
}

test.each(["/", "/repositories"])(
  "%s costs about as much with 10,000 repositories as with 200",
  async (path) => {
    const [many, few] = [await costOf(path, 10_000), await costOf(path, 200)];
    console.log(
      `${path}: ${many.toFixed(1)} ms of processor time with 10,000, ${few.toFixed(1)} ms with 200`,
    );
    expect(many / few).toBeLessThan(5);
  },
);
