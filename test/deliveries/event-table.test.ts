import { expect, it } from "vitest";
import { EVENTS, eventNamed, type GitHubEvent } from "../../src/deliveries/events.js";

const eventsWith = (isSo: (event: GitHubEvent) => boolean) =>
  Object.entries<GitHubEvent>(EVENTS).flatMap(([name, event]) => (isSo(event) ? [name] : []));

it("each trait of the event table belongs to these events", () => {
  expect(eventsWith(({ warmsConnection }) => warmsConnection)).toEqual(["push", "gollum"]);
  expect(eventsWith(({ invalidatesName }) => invalidatesName)).toEqual(["repository"]);
  expect(eventsWith(({ needsPayload }) => needsPayload)).toEqual(["push", "pull_request"]);
});

it.each(["ping", "constructor", "__proto__", ""])("an event named %j is not handled", (name) => {
  expect(eventNamed(name)).toBeNull();
});
