import type { Json } from "./target.js";

/** Repositories and an installation that only unsigned requests name. */
const UNKNOWN = { repository: 770_000_001, installation: 770_000_002 };

/** The ids that Lockstep may never have heard of. */
export const idsOfBaits: ReadonlySet<number> = new Set([UNKNOWN.repository]);

/** Makes payloads that would change something if they were believed. @param pushes those of pushes that nobody reported */
export function baitsFor(pushes: Json[]): { event: string; payload: Json }[] {
  const [push] = pushes;
  const repository = push!.repository as Json;
  const installation = push!.installation as Json;
  const sender = push!.sender;
  return [
    ...pushes.map((payload) => ({ event: "push", payload })),
    ...pushes.map((payload) => ({ event: "push", payload: { ...payload, ref: null } })),
    ...pushes.map(({ repository }) => ({
      event: "repository",
      payload: { action: "deleted", repository, installation, sender },
    })),
    {
      event: "repository",
      payload: {
        action: "renamed",
        repository: { ...repository, full_name: "acme/taken" },
        installation,
        sender,
      },
    },
    {
      event: "push",
      payload: { ...push, repository: { ...repository, id: UNKNOWN.repository, full_name: "acme/unknown" } },
    },
    ...["deleted", "suspend", "created"].map((action) => ({
      event: "installation",
      payload: { action, installation, repositories: [], sender },
    })),
    {
      event: "installation_repositories",
      payload: {
        action: "removed",
        installation,
        repositories_added: [],
        repositories_removed: [repository],
        sender,
      },
    },
    {
      event: "installation",
      payload: { action: "created", installation: { id: UNKNOWN.installation }, sender },
    },
  ];
}
