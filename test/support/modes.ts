import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { onTestFinished } from "vitest";
import { exampleOf } from "../../tools/standin/examples.js";

/**
 * Drops root, whom no mode stops: the rest of this test file runs as nobody. Not for quick tests, whose
 * files share processes.
 */
export function asNobody(): void {
  if (process.getuid!() !== 0) return;
  // The stand-in's files are read now, because the user nobody may not reach the checkout.
  exampleOf("push");
  const id = (option: string) => Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" }));
  const [user, group] = [id("-u"), id("-g")];
  process.setgroups!([]);
  process.setgid!(group);
  process.setuid!(user);
}

/** Changes a mode until the end of the test, so that everything below the directory can be deleted then. */
export function modesBelow(dir: string) {
  onTestFinished(() => void spawnSync("chmod", ["-R", "u+rwX", dir]));
  return chmodSync;
}
