import { spawn } from "node:child_process";
import { RefreshError } from "../base/errors.js";
import { createTail } from "./tail.js";

const MAX_OUTPUT = 4 * 1024;

/**
 * Makes everything durable that was written to the file system of a path: syncfs(2), which Node.js lacks.
 * @param timeoutMs a disk that does not answer fails the call; the program itself may hang in the kernel
 * @returns false: the program `sync` is missing
 * @throws RefreshError `timeout`, `disk_full`; Error when the sync fails in another way
 */
export function syncFileSystem(path: string, { timeoutMs }: { timeoutMs: number }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    // sync -f <path>; the long form --file-system is not known to BusyBox
    const child = spawn("sync", ["-f", path], { env: {}, stdio: ["ignore", "ignore", "pipe"], signal });
    const output = createTail(MAX_OUTPUT);
    child.stderr.on("data", output.add);
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve(false);
      else if (!signal.aborted) reject(error);
      else reject(new RefreshError("timeout", `the sync of the disk took longer than ${timeoutMs} ms`));
    });
    child.once("close", (code) => {
      const said = output.text().trim();
      if (code === 0) resolve(true);
      else if (/No space left|quota exceeded/i.test(said)) reject(new RefreshError("disk_full", said));
      else reject(new Error(`sync -f ${path} exited with ${code}: ${said}`));
    });
  });
}
