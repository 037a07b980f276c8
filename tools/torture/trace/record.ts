import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pidsWithArgument } from "../processes.js";
import { CallLines } from "./lines.js";
import { OPERATION_CALLS, type Operation, Operations } from "./operations.js";

/** Longer than any write: strace cuts what is longer. */
const MOST_BYTES = 1 << 26;

/**
 * Writes a program that is node, and has strace record what node, and all that it starts, does to disks, with all bytes:
 * strace -D -f -y -o <file> node …
 * @param file gets strace's lines, and is complete when `isRecording` is false
 */
export async function writeRecordingNode(program: string, file: string): Promise<void> {
  const options = `-D -f -y -o '${file}' -s ${MOST_BYTES} -e trace=${OPERATION_CALLS}`;
  await writeFile(program, `#!/bin/sh\nexec strace ${options} '${process.execPath}' "$@"\n`, { mode: 0o700 });
}

/** Whether strace still writes to a file: it ends after all that it records. */
export const isRecording = (file: string): boolean => pidsWithArgument(file).length > 0;

/** Reads a recorded file, in the order in which the calls ended. */
export async function readOperations(file: string): Promise<Operation[]> {
  const lines = new CallLines();
  const operations = new Operations();
  const found: Operation[] = [];
  for await (const line of createInterface({ input: createReadStream(file, "latin1") })) {
    const call = lines.read(line);
    if (call !== null) found.push(...operations.of(call));
  }
  return found;
}
