import type { Attack } from "../attack.js";
import { BYTES } from "./bytes.js";
import { CROSS_ORIGIN } from "./cross-origin.js";
import { FIELDS } from "./fields.js";
import { FRAMING } from "./framing.js";
import { HEADERS } from "./headers.js";
import { JSON_SHAPES } from "./json.js";
import { PATHS, QUERIES } from "./paths.js";
import { SERVING } from "./serving.js";
import { SIGNATURES_FORGED } from "./signatures.js";

/** Every kind of hostile request. */
export const ATTACKS: Attack[] = [
  BYTES,
  JSON_SHAPES,
  FIELDS,
  HEADERS,
  SIGNATURES_FORGED,
  FRAMING,
  PATHS,
  QUERIES,
  CROSS_ORIGIN,
  SERVING,
];
