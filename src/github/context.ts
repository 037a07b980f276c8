import { Octokit } from "@octokit/rest";
import type { Tokens } from "./auth.js";
import type { AppClient } from "./client.js";
import { isRefusal } from "./errors.js";
import { labelOf } from "./limits.js";

/** The clients that REST calls are made with. */
export interface ApiContext extends Pick<AppClient, "app" | "shared"> {
  tokens: Tokens;
}

/**
 * Makes a call as an installation. GitHub refuses a token early when the App was uninstalled or suspended, or
 * the token revoked. Minting a new token shows which:
 * https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
export async function callAsInstallation<T>(
  { shared, tokens }: ApiContext,
  installationId: number,
  call: (client: Octokit) => Promise<T>,
): Promise<T> {
  const clientWith = (auth: string) => new Octokit({ ...shared(labelOf(installationId)), auth });
  const token = await tokens.token(installationId);
  return call(clientWith(token)).catch(async (error: unknown) => {
    if (!isRefusal(error)) throw error;
    return call(clientWith(await tokens.tokenInstead(installationId, token)));
  });
}
