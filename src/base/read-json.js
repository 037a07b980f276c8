import { isUtf8 } from "node:buffer";

/**
 * Reads a document whole. This file is JavaScript, since a thread of Node's can load nothing else from the sources.
 * @param {Buffer} bytes
 * @param {boolean} isForm whether the document is the field `payload` of a form
 * @returns {unknown} undefined when the bytes are no JSON
 */
export function readJson(bytes, isForm) {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  const json = isForm ? new URLSearchParams(text).get("payload") : text;
  try {
    return json === null ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
