import { parentPort, workerData } from "node:worker_threads";
import { readJson } from "./read-json.js";

/** A text that is longer than anything that Lockstep uses stays longer than that, and so is refused as before. */
const MAX_TEXT = 4_096;

/**
 * Copies the fields that are used, so that the thread which waits has little to copy.
 * @param {unknown} value
 * @param {import("./large-json.js").Fields} fields
 * @returns {unknown}
 */
function pick(value, fields) {
  if (typeof value === "string") return value.slice(0, MAX_TEXT);
  if (typeof value !== "object" || value === null) return value;
  // What should be a single value and is none is refused as any other object is.
  if (fields === true || Array.isArray(value)) return Array.isArray(value) ? [] : {};
  const found = /** @type {Record<string, unknown>} */ (value);
  const names = Object.keys(fields).filter((name) => Object.hasOwn(found, name));
  return Object.fromEntries(names.map((name) => [name, pick(found[name], fields[name] ?? true)]));
}

const { bytes, fields, isForm } = workerData;
parentPort?.postMessage(pick(readJson(Buffer.from(bytes), isForm), fields));
