import { expect, it } from "vitest";
import { logFormOf } from "../../src/config/log-form.js";

it.each([
  [{}, "text"],
  [{ NODE_ENV: "production" }, "json"],
  [{ NODE_ENV: "production", LOG_FORMAT: "pretty" }, "text"],
  [{ LOG_FORMAT: "json", LOG_LEVEL_IN_STRING: "true" }, "parsed"],
  [{ LOG_FORMAT: "pretty", SENTRY_DSN: "https://key@sentry.example/1" }, "parsed"],
])("the log's form for %j is %s", (given, form) => {
  expect(logFormOf(given)).toBe(form);
});
