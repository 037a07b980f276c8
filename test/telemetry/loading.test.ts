import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** An import that runs when its file is loaded, unlike `import type` and `import()`. */
const IMPORT = /^import (?!type )[^;]*?"([^"]+)";/gms;

test("nothing of OpenTelemetry is loaded before an endpoint is known", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("telemetry/"),
  );
  const early = files.flatMap((file) =>
    [...readFileSync(`src/${file}`, "utf8").matchAll(IMPORT)]
      .filter(([, from]) => /^@opentelemetry\/|\/telemetry\//.test(from!))
      .map(([, from]) => `${file}: ${from}`),
  );
  expect(early).toEqual([]);
});
