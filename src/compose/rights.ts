import { setTimeout } from "node:timers/promises";
import { monotonicMs } from "../base/clock.js";
import type { RepositoryName } from "../base/model.js";
import { wikiIdOf } from "../base/wikis.js";
import type { Config } from "../config/load.js";
import { ownerMatcher } from "../config/readers.js";
import { isManaged, type ManagedRepository } from "../registry/repositories.js";
import { createRights } from "../serve/rights/judge.js";
import { createOidcVerifier } from "../serve/rights/oidc.js";
import type { Rights } from "../serve/rights.js";
import type { Domain } from "./domain.js";
import type { Ground } from "./ground.js";

interface Needs {
  ground: Pick<Ground, "gateway" | "github" | "metrics">;
  domain: {
    records: Pick<Domain["records"], "registry" | "accessTokens" | "requests">;
    intake: { acceptance: Pick<Domain["intake"]["acceptance"], "onAccessChanged"> };
  };
  /** What other nodes have. */
  elsewhere: Elsewhere;
}

/** Finds repositories that other nodes of the cluster mirror; a Lockstep that is alone finds none. */
export interface Elsewhere {
  find(name: RepositoryName): Listed | null;
  get(id: number): Listed | null;
}

/** A Lockstep that is alone. */
export const NOWHERE: Elsewhere = { find: () => null, get: () => null };

/** A repository that GitHub lists, and that is to be mirrored. */
export type Listed = RepositoryName & { id: number; installationId: number };

/** Builds what judges readers over HTTPS. A reader's right ends at the latest 5 minutes after GitHub has ended it. */
export function createReaderRights(
  { readers }: Pick<Config, "readers">,
  { ground: { gateway, github, metrics }, domain, elsewhere }: Needs,
): Rights {
  const { registry, accessTokens, requests } = domain.records;
  const { issuer, audience, owners } = readers.oidc;
  const verifier = createOidcVerifier(
    { issuer, audience: audience ?? "" },
    { document: gateway.readers.document, latestNow: github.latestNow },
  );
  const rights = createRights(
    { readers: readers.ways, oidc: { issuer, allows: ownerMatcher(owners) } },
    {
      find: (name) => findServable(registry.find(name), () => elsewhere.find(name)),
      get: (id) => findServable(registry.get(id), () => elsewhere.get(id)),
      mayRead(name, authorization) {
        metrics.rightAsked();
        return gateway.readers.mayRead(name, authorization);
      },
      nameOf: github.nameOf,
      findToken: accessTokens.find,
      doubt({ id, installationId }) {
        if (registry.get(id) === null) return;
        registry.doubt(id);
        requests.repository(id, installationId);
      },
      onJudged: metrics.judged,
      clock: monotonicMs,
      pause: (ms) => setTimeout(ms),
    },
    verifier,
  );
  domain.intake.acceptance.onAccessChanged((id) => {
    rights.forget(id);
    // Whoever may read a repository may read its wiki.
    if (id !== null) rights.forget(wikiIdOf(id));
  });
  return rights;
}

/** The App cannot ask about a repository of a suspended installation, so that nobody's right to it can be proven. */
export const servable = (repository: ManagedRepository | null): ManagedRepository | null =>
  repository && isManaged(repository) && repository.state !== "suspended" ? repository : null;

function findServable(here: ManagedRepository | null, find: () => Listed | null): Listed | null {
  return here && isManaged(here) ? servable(here) : find();
}
