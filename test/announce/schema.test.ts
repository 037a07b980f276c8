import { expect, test } from "vitest";
import { eventJsonSchema } from "../../src/announce/schema.js";

// `npx vitest run --update=all test/announce/schema.test.ts` writes the file again.
test("docs/events.schema.json is what the program's own schema says", async () => {
  await expect(`${JSON.stringify(eventJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
    "../../docs/events.schema.json",
  );
});
