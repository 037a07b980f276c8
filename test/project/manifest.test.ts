import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";

// Probot reads the manifest with this package; it is not one of ours.
const yaml = createRequire(createRequire(import.meta.url).resolve("probot"))("yaml") as {
  parse(text: string): Record<string, unknown>;
};

it("app.yml asks for what Lockstep needs and leaves the webhook's URL to the setup page", () => {
  const manifest = yaml.parse(readFileSync("app.yml", "utf8"));
  expect(manifest).toEqual({
    name: "Lockstep",
    description: expect.stringMatching(/\w/),
    url: expect.stringMatching(/^https:\/\//),
    public: false,
    default_permissions: { contents: "read", metadata: "read" },
    default_events: ["push", "repository"],
  });
});
