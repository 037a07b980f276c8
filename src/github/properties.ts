import { Octokit } from "@octokit/rest";
import type { CustomProperties } from "../base/remote-repository.js";
import { mintToken, type TokenPermissions } from "./auth.js";
import type { ApiContext } from "./context.js";
import { labelOf } from "./limits.js";
import { callRest } from "./rest.js";

/** What the token of every other call lacks, so that an App without the permission still gets one. */
const PERMISSIONS: TokenPermissions = { organization_custom_properties: "read" };

/**
 * Reads the custom properties of all repositories of an organisation, by their ids, 100 per call, with a token that is
 * good for this alone:
 * https://docs.github.com/en/rest/orgs/custom-properties#list-custom-property-values-for-organization-repositories
 * @throws RefreshError `forbidden` without the permission, `not_found` where the server has no custom properties
 */
export async function listProperties(
  { app, shared }: ApiContext,
  installationId: number,
  org: string,
): Promise<Map<number, CustomProperties>> {
  const { token } = await mintToken(app, installationId, PERMISSIONS);
  const client = new Octokit({ ...shared(labelOf(installationId)), auth: token });
  const all = new Map<number, CustomProperties>();
  for (let page = 1; ; page++) {
    const { data, headers } = await callRest(
      () => client.rest.orgs.customPropertiesForReposGetOrganizationValues({ org, per_page: 100, page }),
      installationId,
    );
    for (const { repository_id: id, properties } of data)
      all.set(id, toProperties(properties.map(({ property_name, value }) => [property_name, value])));
    if (!/rel="next"/.test(headers.link ?? "")) return all;
  }
}

/** @param given names and values as GitHub sends them: a text, a list of texts, or null for a value that is not set */
export function toProperties(given: readonly (readonly [string, unknown])[]): CustomProperties {
  const all = given.map(([name, value]) => [name, textsOf(value)] as const);
  return Object.fromEntries(all.filter(([, values]) => values.length > 0));
}

const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => one !== null && one !== undefined).map(String);
