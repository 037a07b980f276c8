import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { removeInUse } from "../../tools/remove-in-use.js";

/** Creates a directory that is deleted after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "lockstep-test-"));
  onTestFinished(() => removeInUse(dir));
  return dir;
}
