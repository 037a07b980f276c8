import { expect, test } from "vitest";
import { nextTurn } from "../../src/base/slices.js";
import { createTurns } from "../../src/serve/turns.js";

test("a crowd goes on one after the other, in its order, and other work runs between", async () => {
  const turn = createTurns();
  const went: (number | "other")[] = [];
  const crowd = [1, 2, 3, 4].map((n) => turn().then(() => went.push(n)));
  const other = (async () => {
    for (let n = 0; n < 3; n++) {
      await nextTurn();
      went.push("other");
    }
  })();
  await Promise.all([...crowd, other]);
  expect(went.filter((one) => one !== "other")).toEqual([1, 2, 3, 4]);
  expect(went.indexOf("other")).toBeLessThan(went.indexOf(3));
});

test("whoever comes later, or while another goes on, has a turn too", async () => {
  const turn = createTurns();
  await turn();
  await turn().then(turn);
  await Promise.all([turn(), turn()]);
});
