import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compose } from "../../src/compose/lockstep.js";
import type { Config } from "../../src/config/load.js";
import { configOf, NO_LOG } from "../support/config.js";
import { tempDir } from "../support/temp.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => `src/${file}`);

/** The readers of each setting, by the file of the line that reads. */
function recording(config: Config): { config: Config; readers: Map<string, Set<string>> } {
  const readers = new Map<string, Set<string>>();
  const recorded = new Proxy(config, {
    get(target, name: string) {
      const file = /\bsrc\/[\w/.-]+\.tsx?/.exec(new Error().stack ?? "")?.[0] ?? "nobody";
      readers.set(name, (readers.get(name) ?? new Set()).add(file));
      return Reflect.get(target, name);
    },
    ownKeys() {
      throw new Error("the configuration is poured into something");
    },
  });
  return { config: recorded, readers };
}

test("no part gets the whole configuration, and only its users get a secret", async () => {
  const env = {
    WEBHOOK_SECRET: "secret-of-the-tests",
    API_TOKEN: "token-of-the-tests-0123456789",
    ANNOUNCE_URLS: "https://consumer.example.com/",
    ANNOUNCE_SECRET: `whsec_${btoa("secret-of-the-announcements-0123")}`,
  };
  const { config, readers } = recording(configOf(tempDir(), env));
  await (await compose(config, NO_LOG)).close();
  const everyone = new Set([...readers.values()].flatMap((files) => [...files]));
  expect([...everyone].filter((file) => !file.startsWith("src/compose/"))).toEqual([]);
  const readersOf = (name: string) => [...(readers.get(name) ?? [])].sort();
  expect(readersOf("privateKey")).toEqual(["src/compose/ground.ts"]);
  expect(readersOf("apiToken")).toEqual(["src/compose/surfaces.ts"]);
  expect(readersOf("announceSecret")).toEqual(["src/compose/domain.ts"]);
  expect(readersOf("webhookSecrets")).toEqual(["src/compose/deliveries.ts", "src/compose/surfaces.ts"]);
});

test.each([
  ["privateKey", ["cli/doctor", "cli/register", "compose/ground", "config/load", "github/client"]],
  [
    "apiToken",
    ["cli/sync", "compose/surfaces", "config/load", "http/bearer", "http/page/routes", "http/page/session"],
  ],
  ["announceSecret", ["announce/announcer", "compose/domain", "config/load"]],
])("%s is named only where it is read, handed on, or used", (secret, files) => {
  const naming = sources.filter((file) =>
    new RegExp(`\\b${secret}\\b`).test(readFileSync(root + file, "utf8")),
  );
  expect(naming.sort()).toEqual(files.map((file) => `src/${file}.ts`));
});

test("neither the configuration nor parts of the composition are spread", () => {
  const spreading = sources.filter((file) =>
    /\.\.\.(config|core|ground|domain|records)\b/.test(readFileSync(root + file, "utf8")),
  );
  expect(spreading).toEqual([]);
});
