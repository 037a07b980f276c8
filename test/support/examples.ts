import { existsSync } from "node:fs";
import { EXAMPLES_FILE } from "../../tools/standin/examples.js";

/** The stand-in's needs from the build, so that tests without such needs can skip the build. */
export async function setup(): Promise<void> {
  if (!existsSync(EXAMPLES_FILE)) await import("../../tools/write-examples.js");
}
