import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect } from "vitest";

const FILE = new URL("../../docs/events.schema.json", import.meta.url);

const ajv = new Ajv2020({ allErrors: true, strict: false, discriminator: true });
addFormats.default(ajv);
const validate = ajv.compile(JSON.parse(readFileSync(FILE, "utf8")) as object);

/** Checks an event that a consumer got against the schema that consumers are given. */
export function expectValid(event: object): void {
  validate(event);
  expect(validate.errors ?? [], JSON.stringify(event)).toEqual([]);
}
