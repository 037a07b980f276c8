import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import { readJson } from "./read-json.js";

/** The fields of an object that are used: `true` for a single value, an object for an object. */
export type Fields = true | { readonly [name: string]: Fields };

export interface ParseOptions {
  /** What of a large document is used; of a smaller one everything is returned. */
  fields: Fields;
  /** Whether the document is the field `payload` of a form. */
  isForm?: boolean;
}

/** JSON.parse takes 5 to 30 ms for so many bytes, by what they hold. */
const LARGE_BYTES = 2 ** 20;
/** A document of 25 MiB that holds only the smallest values takes some 600 MiB once it is parsed. */
const LIMITS = { maxOldGenerationSizeMb: 768 };

/** Several large documents at a time would take several times the memory, and are rare. */
const oneAtATime = new PQueue({ concurrency: 1 });

/**
 * Parses JSON without blocking the event loop for long: a document of more than 1 MiB is parsed in a thread of its own,
 * and only the fields that are used come back. Texts longer than 4,096 characters come back cut, arrays empty.
 * @returns undefined when the bytes are no JSON, or are too much for the thread's memory; for a smaller document at
 * once, not as a promise
 */
export function parseJson(bytes: Buffer, options: ParseOptions): unknown | Promise<unknown> {
  if (bytes.length <= LARGE_BYTES) return readJson(bytes, options.isForm ?? false);
  return oneAtATime.add(() => parseInThread(bytes, options));
}

function parseInThread(bytes: Buffer, { fields, isForm = false }: ParseOptions): Promise<unknown> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL("./json-worker.js", import.meta.url), {
      workerData: { bytes, fields, isForm },
      resourceLimits: LIMITS,
      env: {},
    });
    worker.unref();
    const end = (answer: unknown) => {
      resolve(answer);
      void worker.terminate();
    };
    worker.once("message", end);
    // ERR_WORKER_OUT_OF_MEMORY: https://nodejs.org/api/errors.html#err_worker_out_of_memory
    worker.once("error", () => end(undefined));
    worker.once("exit", () => end(undefined));
  });
}
