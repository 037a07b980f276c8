import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp.js";

/** Makes a git, for GIT_BINARY, that notes which of its commands are run. */
export function notingGit() {
  const dir = tempDir();
  const [binary, notes] = [join(dir, "git"), join(dir, "notes")];
  writeFileSync(binary, `#!/bin/sh\necho "$1" >> ${notes}\nexec git "$@"\n`);
  chmodSync(binary, 0o755);
  writeFileSync(notes, "");
  return {
    binary,
    forget: () => writeFileSync(notes, ""),
    noted: () => readFileSync(notes, "utf8").split("\n"),
  };
}
