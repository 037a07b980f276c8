import { exampleOf, type Json } from "./examples.js";
import { installationFor, repositoryFor } from "./payload.js";
import { pullRequestFor } from "./pull-payload.js";
import { installationJson, isoSecond, propertiesJson } from "./rest-json.js";
import type { Installation, PullRequest, Repo, WikiEdit } from "./types.js";

/** The parts of an event other than its action. */
export interface EventDetails {
  repository: {
    repo: Repo;
    /** The changes as GitHub reports them; `changed` makes the usual ones. */
    changes?: Json;
    /** The installation that gets the event; default: the repository's own. */
    installation?: Installation;
  };
  custom_property_values: { repo: Repo };
  /** `repositories` goes with "created" and "deleted"; default those the installation has. */
  installation: { installation: Installation; repositories?: Repo[] };
  /** Which list is meant is for the action to say: "added" or "removed". */
  installation_repositories: { installation: Installation; repositories?: Repo[] };
  /** After a rename, from that login. */
  installation_target: { installation: Installation; from: string };
  pull_request: PullRequest;
  gollum: WikiEdit;
}

export const ACTIONS = {
  repository: [
    "created",
    "deleted",
    "renamed",
    "transferred",
    "archived",
    "unarchived",
    "publicized",
    "privatized",
    "edited",
  ],
  custom_property_values: ["updated"],
  installation: ["created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"],
  installation_repositories: ["added", "removed"],
  installation_target: ["renamed"],
  pull_request: ["opened", "synchronize", "reopened", "closed"],
  /** Of the pages: the event itself has no action. */
  gollum: ["created", "edited"],
} as const;

export type EventActions = { [E in keyof typeof ACTIONS]: (typeof ACTIONS)[E][number] };

export type EventName = keyof EventDetails;

export interface Teller {
  appId: number;
  origin: string;
  repositoriesOf(installation: Installation): Repo[];
}

type Builders = {
  [E in EventName]: (action: EventActions[E], details: EventDetails[E], teller: Teller) => Json;
};

/** https://docs.github.com/webhooks/webhook-events-and-payloads */
const builders: Builders = {
  repository(action, { repo, changes, installation }, teller) {
    const payload = aboutRepository("repository", action, repo, teller, installation);
    return changes ? { ...payload, changes } : payload;
  },
  installation(action, { installation, repositories }, teller) {
    const payload = exampleFor("installation", action);
    const full = fullInstallation(installation, payload, teller);
    const listed = repositories ?? teller.repositoriesOf(installation);
    const isListed = action === "created" || action === "deleted";
    return { ...payload, installation: full, ...(isListed ? { repositories: listed.map(listEntry) } : {}) };
  },
  installation_repositories(action, { installation, repositories = [] }, teller) {
    const payload = exampleFor("installation_repositories", action);
    const listed = repositories.map(listEntry);
    return {
      ...payload,
      installation: fullInstallation(installation, payload, teller),
      repository_selection: installation.selection,
      repositories_added: action === "added" ? listed : [],
      repositories_removed: action === "removed" ? listed : [],
      requester: null,
    };
  },
  // The package has no examples of the following events.
  custom_property_values(action, { repo }, teller) {
    const new_property_values = propertiesJson(repo).properties;
    const payload = aboutRepository("repository", action, repo, teller);
    return { ...payload, new_property_values, old_property_values: [] };
  },
  installation_target(action, { installation, from }, { origin }) {
    const { sender } = exampleOf("installation");
    const { login, accountId } = installation;
    const account = {
      login,
      id: accountId,
      node_id: `O_${accountId}`,
      type: "Organization",
      site_admin: false,
      avatar_url: `${origin}/avatars/u/${accountId}`,
      html_url: `${origin}/${login}`,
    };
    const changes = { login: { from } };
    const target_type = "Organization";
    return {
      action,
      account,
      changes,
      target_type,
      sender,
      installation: installationFor(installation),
    };
  },
  pull_request(action, pull, teller) {
    const payload = aboutRepository("pull_request", action, pull.repo, teller);
    const pull_request = pullRequestFor(pull, payload, teller.origin);
    const moved = action === "synchronize" ? { before: pull.before, after: pull.head } : {};
    return { ...payload, number: pull.number, pull_request, ...moved };
  },
  gollum(_, { repo, pages }, teller) {
    const { action, ...payload } = aboutRepository("gollum", "edited", repo, teller);
    const { html_url } = payload.repository as Json;
    const listed = pages.map(({ name, ...page }) => ({
      page_name: name,
      title: name.replaceAll("-", " "),
      summary: null,
      ...page,
      html_url: `${html_url}/wiki/${name}`,
    }));
    return { ...payload, pages: listed };
  },
};

export function eventFor<E extends EventName>(
  event: E,
  action: EventActions[E],
  details: EventDetails[E],
  teller: Teller,
): Json {
  return builders[event](action, details, teller);
}

/** The usual `changes` of a repository's events. */
export const changed = {
  name: (from: string): Json => ({ repository: { name: { from } } }),
  owner: (login: string, id: number): Json => ({
    owner: { from: { organization: { login, id, node_id: `O_${id}` } } },
  }),
  defaultBranch: (from: string): Json => ({ default_branch: { from } }),
};

/** Without what belongs to the example's own action, should it be another one. */
function exampleFor(event: EventName, action: string): Json {
  const { changes, before, after, repositories, ...payload } = exampleOf(event, action);
  return { ...payload, action };
}

function aboutRepository(
  event: EventName,
  action: string,
  repo: Repo,
  { origin }: Teller,
  receiver = repo.installation,
): Json {
  const payload = exampleFor(event, action);
  const repository = repositoryFor(repo, payload.repository as Json, origin);
  const organization = { ...(payload.organization as Json), login: repo.owner, id: accountOf(repository) };
  const { installation: _, ...rest } = payload;
  return {
    ...rest,
    // A number in a push, a date everywhere else.
    repository: { ...repository, pushed_at: isoSecond(repo.pushedAt) },
    organization,
    ...(receiver ? { installation: installationFor(receiver) } : {}),
  };
}

const accountOf = (repository: Json): unknown => (repository.owner as Json).id;

function fullInstallation(installation: Installation, example: Json, { appId, origin }: Teller): Json {
  const { id } = installation;
  return {
    ...(example.installation as Json),
    ...installationJson(installation, appId),
    access_tokens_url: `${origin}/api/v3/app/installations/${id}/access_tokens`,
    repositories_url: `${origin}/api/v3/installation/repositories`,
    html_url: `${origin}/organizations/${installation.login}/settings/installations/${id}`,
  };
}

const listEntry = (repo: Repo): Json => ({
  id: repo.id,
  node_id: `R_${repo.id}`,
  name: repo.name,
  full_name: `${repo.owner}/${repo.name}`,
  private: repo.private,
});
