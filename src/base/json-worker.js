import { isUtf8 } from "node:buffer";
import { parentPort, workerData } from "node:worker_threads";

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

/** @returns {{ value: unknown } | null} null: the bytes are no JSON */
function parse() {
  const { fields, isForm } = workerData;
  const bytes = Buffer.from(workerData.bytes);
  if (!isUtf8(bytes)) return null;
  const text = bytes.toString("utf8");
  const json = isForm ? new URLSearchParams(text).get("payload") : text;
  if (json === null) return null;
  try {
    return { value: pick(JSON.parse(json), fields) };
  } catch {
    return null;
  }
}

parentPort?.postMessage(parse());
