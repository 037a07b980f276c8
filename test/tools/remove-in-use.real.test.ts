import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { removeInUse } from "../../tools/remove-in-use.js";

/** Makes new files as fast as it can, for as long as there is the directory. */
const WRITER = `
  const { writeFileSync } = require("node:fs");
  for (let n = 0; ; n++) {
    writeFileSync(process.cwd() + "/" + n, "");
    if (n === 100) process.send("writes");
  }
`;

test("a directory goes although a program goes on writing there, which ends", async () => {
  const dir = mkdtempSync(join(tmpdir(), "lockstep-test-"));
  const writer = spawn(process.execPath, ["-e", WRITER], {
    cwd: dir,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  onTestFinished(() => void writer.kill("SIGKILL"));
  await once(writer, "message");
  await removeInUse(dir);
  expect(existsSync(dir)).toBe(false);
});
