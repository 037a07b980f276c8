import { existsSync } from "node:fs";
import { EXAMPLES_FILE } from "../../tools/standin/examples.js";

/** What the stand-in needs of a build, so that tests which need nothing else of it can do without. */
export async function setup(): Promise<void> {
  if (!existsSync(EXAMPLES_FILE)) await import("../../tools/write-examples.js");
}
