import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { asMessage } from "../../base/message.js";
import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import { repositoryIdOf } from "../../base/wikis.js";
import type { Confirmations } from "./confirm.js";
import { grant } from "./confirmed.js";
import { type Finding, NO, type RightsPorts, UNAUTHORIZED } from "./ports.js";

export interface OidcSettings {
  /** The `iss` of the tokens, without a trailing slash. */
  issuer: string;
  /** The `aud` of the tokens: a token for another server is not for this one. */
  audience: string;
  /** Whether workflows of an account, by its id, may read `owner/name` besides their own repository. */
  allows(ownerId: string, fullName: string): boolean;
}

/** What is used of a token of GitHub Actions; names and `sub` can be those of an earlier owner. */
interface Workflow {
  repositoryId: number;
  ownerId: string;
  /** The repository's name, for the log alone. */
  label: string;
}

/** GitHub signs with this one; `none`, and secrets in place of keys, are never accepted. */
const ALGORITHMS = ["RS256"];
/** The clocks of GitHub and of this machine may differ by so much, in seconds. */
const TOLERANCE_S = 30;

export interface OidcVerifier {
  /** @returns the workflow that has the token; or why none */
  verify(jwt: string): Promise<Workflow | "invalid" | "unavailable">;
}

interface VerifierPorts {
  /** Gets a JSON document. @throws Error */
  document(url: string): Promise<string>;
  /** The later of this machine's clock and GitHub's: a clock that is set back makes no token valid again. */
  latestNow(): number;
}

/** The keys are those that the issuer publishes; an unknown one has them fetched again, twice a minute at most. */
export function createOidcVerifier(
  { issuer, audience }: Pick<OidcSettings, "issuer" | "audience">,
  { document, latestNow }: VerifierPorts,
): OidcVerifier {
  const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks`), {
    [customFetch]: async (url) => new Response(await document(String(url))),
  });
  return {
    async verify(jwt) {
      try {
        const { payload } = await jwtVerify(jwt, keys, {
          issuer,
          audience,
          algorithms: ALGORITHMS,
          clockTolerance: TOLERANCE_S,
          currentDate: new Date(latestNow()),
          requiredClaims: ["exp", "iat", "repository_id", "repository_owner_id"],
        });
        return workflowOf(payload);
      } catch (error) {
        return isAboutToken(error) ? "invalid" : "unavailable";
      }
    },
  };
}

/** Whether the token is at fault, rather than that the issuer's keys cannot be read. */
const isAboutToken = (error: unknown): boolean =>
  error instanceof errors.JWTClaimValidationFailed ||
  error instanceof errors.JWTExpired ||
  error instanceof errors.JWTInvalid ||
  error instanceof errors.JWSInvalid ||
  error instanceof errors.JWSSignatureVerificationFailed ||
  error instanceof errors.JOSEAlgNotAllowed ||
  error instanceof errors.JOSENotSupported ||
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys;

const ID = /^[1-9]\d{0,14}$/;

function workflowOf(claims: Record<string, unknown>): Workflow | "invalid" {
  const { repository_id: id, repository_owner_id: ownerId, repository } = claims;
  if (typeof id !== "string" || !ID.test(id)) return "invalid";
  if (typeof ownerId !== "string" || !ID.test(ownerId)) return "invalid";
  return { repositoryId: Number(id), ownerId, label: asMessage(String(repository ?? id)) };
}

interface Needs {
  ports: RightsPorts;
  confirmations: Confirmations;
  verifier: OidcVerifier;
  settings: Pick<OidcSettings, "allows">;
}

/** Judges a token of GitHub Actions: its own repository by the id, others by the rule on the id of its owner. */
export async function judgeOidc(needs: Needs, jwt: string, asked: RepositoryName): Promise<Finding> {
  const workflow = await needs.verifier.verify(jwt);
  if (workflow === "invalid") return UNAUTHORIZED;
  if (workflow === "unavailable") return { kind: "unavailable", retryAfter: null };
  const isAllowed = needs.settings.allows(workflow.ownerId, fullName(asked));
  const repository = needs.ports.find(asked);
  if (repository === null || (repositoryIdOf(repository.id) !== workflow.repositoryId && !isAllowed))
    return NO;
  return grant(needs, repository, { asked, reader: workflow.label });
}
