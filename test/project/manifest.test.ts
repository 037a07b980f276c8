import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { EVENTS, type GitHubEvent, SUBSCRIPTIONS } from "../../src/deliveries/events.js";

// Probot reads the manifest with this package; it is not one of ours.
const yaml = createRequire(createRequire(import.meta.url).resolve("probot"))("yaml") as {
  parse(text: string): Record<string, unknown>;
};

const ofEveryApp = [...SUBSCRIPTIONS].filter(([, subscription]) => subscription.for === "every App");

it("app.yml subscribes to the events of EVENTS that every App needs, with their permissions", () => {
  const manifest = yaml.parse(readFileSync("app.yml", "utf8"));
  const permissions = ofEveryApp.map(([, { permission }]) => [permission.name, "read"]);
  expect(manifest.default_events, "app.yml").toEqual(ofEveryApp.map(([event]) => event));
  expect(manifest.default_permissions, "app.yml").toEqual(Object.fromEntries(permissions));
});

it("docs/getting-started.md tells how to register an App by hand with the same events and permissions", () => {
  const text = readFileSync("docs/getting-started.md", "utf8");
  const rowOf = (field: string) =>
    new RegExp(`^\\| ${field} +\\| (.*?) +\\|$`, "m").exec(text)?.[1]?.split(", ");
  const titles = new Set(ofEveryApp.map(([, { permission }]) => permission.title));
  const permissions = [...titles].map((title) => `${title}: read-only`);
  expect(rowOf("Events"), "docs/getting-started.md").toEqual(ofEveryApp.map(([, { title }]) => title));
  expect(rowOf("Repository permissions"), "docs/getting-started.md").toEqual(permissions);
  for (const [, { title, permission, ...rest }] of SUBSCRIPTIONS)
    if (rest.for !== "every App")
      expect(text.replace(/\s+/g, " ")).toContain(
        `add ${permission.title}: read-only and the event ${title};`,
      );
});

it("docs/getting-started.md names the events that GitHub's form is filled in with", () => {
  const titles = ofEveryApp.map(([, { title }]) => title).join(" and ");
  const text = readFileSync("docs/getting-started.md", "utf8").replace(/\s+/g, " ");
  expect(text, "docs/getting-started.md").toContain(`the events ${titles}`);
});

it("docs/how-it-works.md says what each event of EVENTS asks for", () => {
  const text = readFileSync("docs/how-it-works.md", "utf8").split("What an event asks for:")[1] ?? "";
  const rows = [...text.split("\n## ")[0]!.matchAll(/^\| (`.+?) +\| (.+?) +\|$/gm)];
  const wanted = Object.entries<GitHubEvent>(EVENTS).map(([name, { docs }]) => [
    [`\`${name}\``, docs.actions?.join(", ")].filter(Boolean).join(" "),
    docs.request,
  ]);
  expect(
    rows.map(([, event, request]) => [event, request]),
    "docs/how-it-works.md",
  ).toEqual(wanted);
});

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
