import { dropOldest } from "../../base/drop-oldest.js";
import { isOwner, isRepositoryName } from "../../base/names.js";
import type { Denied, Granted, Rights, RightsQuestion, Way } from "../rights.js";
import { createConfirmations } from "./confirm.js";
import { type Credential, readCredential } from "./credential.js";
import { createGitHubWay, type GitHubWay } from "./github.js";
import { judgeOidc, type OidcSettings, type OidcVerifier } from "./oidc.js";
import type { Finding, RightsPorts } from "./ports.js";
import { judgeToken } from "./token.js";

export interface RightsSettings {
  /** The ways that READERS allows; none: nobody reads anything. */
  readers: readonly Way[];
  oidc: Pick<OidcSettings, "issuer" | "allows">;
}

export interface ReaderRights extends Rights {
  /**
   * Believes nothing any more that was found out about a repository, because GitHub reports a change of it.
   * @param id null: of all repositories
   */
  forget(id: number | null): void;
}

interface Judges {
  settings: RightsSettings;
  ports: RightsPorts;
  confirmations: ReturnType<typeof createConfirmations>;
  github: GitHubWay;
  verifier: OidcVerifier;
}

/** Judges readers: the form of a credential decides its one judge, and no credential is tried at a second one. */
export function createRights(
  settings: RightsSettings,
  ports: RightsPorts,
  verifier: OidcVerifier,
): ReaderRights {
  const calm = { ...ports, doubt: doubtRarely(ports) };
  const confirmations = createConfirmations(calm);
  const github = createGitHubWay(calm, confirmations);
  const judges: Judges = { settings, ports: calm, confirmations, github, verifier };
  return {
    async judge(question) {
      const answer = await judge(judges, question);
      ports.onJudged?.({
        way: wayOf(judges, question, answer),
        result: RESULTS[answer.kind === "yes" ? 200 : answer.status],
      });
      return answer;
    },
    forget(id) {
      const known = id === null ? null : ports.get(id);
      confirmations.forget(id);
      github.drop(id, known && `${known.owner}/${known.name}`.toLowerCase());
    },
  };
}

/** How an answer is counted, by its status. */
const RESULTS = { 200: "yes", 401: "unauthorized", 404: "no", 503: "unavailable" } as const;

/** Returns the judge of the credential, whether or not its way is open. */
function wayOf(
  { settings }: Judges,
  { authorization }: RightsQuestion,
  answer: Granted | Denied,
): Way | "none" {
  if (answer.kind === "yes") return answer.way;
  const { kind } = readCredential(authorization, settings.oidc.issuer);
  if (kind === "none") return settings.readers.includes("public") ? "public" : "none";
  return kind === "unusable" ? "none" : kind;
}

/** A doubt requests a reconcile, which readers must not be able to do as often as they ask. */
const DOUBT_SPACING_MS = 15_000;
const MAX_DOUBTED = 10_000;

function doubtRarely({ doubt, clock }: Pick<RightsPorts, "doubt" | "clock">): RightsPorts["doubt"] {
  const doubtedAt = new Map<number, number>();
  return (repository) => {
    const now = clock();
    if (now - (doubtedAt.get(repository.id) ?? Number.NEGATIVE_INFINITY) < DOUBT_SPACING_MS) return;
    doubtedAt.delete(repository.id);
    doubtedAt.set(repository.id, now);
    dropOldest(doubtedAt, MAX_DOUBTED);
    doubt(repository);
  };
}

const DENIED: Denied = { kind: "no", status: 404, retryAfter: null };

async function judge(judges: Judges, question: RightsQuestion): Promise<Granted | Denied> {
  const { readers, oidc } = judges.settings;
  if (readers.length === 0 || !isOwner(question.owner) || !isRepositoryName(question.name)) return DENIED;
  const credential = readCredential(question.authorization, oidc.issuer);
  if (credential.kind === "none") return judgeAnyone(judges, question);
  // A credential whose way is closed is as good as a wrong one: another one may do.
  if (credential.kind === "unusable" || !readers.includes(credential.kind)) return denied(401);
  return answerOf(await findingOf(judges, credential, question), credential.kind);
}

function findingOf(
  judges: Judges,
  credential: Exclude<Credential, { kind: "none" | "unusable" }>,
  { owner, name, address }: RightsQuestion,
): Promise<Finding> {
  const asked = { owner, name };
  const needs = { ...judges, settings: judges.settings.oidc };
  if (credential.kind === "token") return judgeToken(needs, credential.secret, asked);
  if (credential.kind === "oidc") return judgeOidc(needs, credential.jwt, asked);
  return judges.github.judge({ asked, authorization: credential.authorization, address });
}

/** Without credentials only `public` can say yes. Where credentials could, 401 makes git send some. */
async function judgeAnyone(
  { settings, github }: Judges,
  question: RightsQuestion,
): Promise<Granted | Denied> {
  const { owner, name, address } = question;
  const wantsCredentials = settings.readers.some((way) => way !== "public");
  if (!settings.readers.includes("public")) return denied(401);
  const found = await github.judge({ asked: { owner, name }, authorization: null, address });
  if (found.kind === "yes") return answerOf(found, "public");
  if (wantsCredentials) return denied(401);
  return found.kind === "unavailable" ? answerOf(found, "public") : DENIED;
}

const denied = (status: Denied["status"], retryAfter: number | null = null): Denied => ({
  kind: "no",
  status,
  retryAfter,
});

/** How long a reader waits where nobody says for how long, in seconds. */
const WAIT_S = 5;

function answerOf(found: Finding, way: Way): Granted | Denied {
  if (found.kind === "yes")
    return { kind: "yes", repositoryId: found.repositoryId, reader: found.reader, way };
  if (found.kind === "unavailable") return denied(503, found.retryAfter ?? WAIT_S);
  return denied(found.kind === "unauthorized" ? 401 : 404);
}
