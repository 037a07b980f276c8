import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { onTestFinished } from "vitest";
import { exampleOf } from "../../tools/standin/examples.js";

/** No mode stops root: what is left of this test file runs as nobody. Only for `*.alone.real.test.ts`, which have a process of their own. */
export function asNobody(): void {
  if (process.getuid!() !== 0) return;
  // The stand-in reads them once, and nobody may be kept from where this is checked out.
  exampleOf("push");
  const id = (option: string) => Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" }));
  const [user, group] = [id("-u"), id("-g")];
  process.setgroups!([]);
  process.setgid!(group);
  process.setuid!(user);
}

/** chmod(1) that ends with the test: whatever is below the directory can be deleted then. */
export function modesBelow(dir: string) {
  onTestFinished(() => void spawnSync("chmod", ["-R", "u+rwX", dir]));
  return chmodSync;
}
