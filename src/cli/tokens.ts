import type { Command } from "commander";
import { TOKEN_SCOPES } from "../base/access.js";
import { parseList } from "../base/patterns.js";
import type { AuditView } from "../http/audit.js";
import type { StatusView } from "../http/status-view.js";
import type { TokenView } from "../http/tokens.js";
import { AnswerError, type Client } from "./client.js";
import { EXIT } from "./exit.js";
import { ago, print, printJson, printTable } from "./print.js";

interface AddOptions {
  scope: string;
  repositories?: string;
  expires: string;
}

const PATH = "/api/v1/tokens";

/** Commands that make, list and revoke tokens; the server wants API_TOKEN for them. */
export function addTokenCommands(program: Command, client: () => Client): void {
  const tokens = program
    .command("tokens")
    .description("make, list and revoke tokens with scopes")
    .addHelpText("after", "\nExample:\n  lockstep tokens add ci --scope git");
  tokens
    .command("add <name>")
    .description("make a token and print it; it is never shown again")
    .requiredOption("--scope <scopes>", `what it may be used for: ${TOKEN_SCOPES.join(", ")}`)
    .option("--repositories <patterns>", "only these repositories, as patterns of owner/name")
    .option("--expires <duration>", "how long it is valid, at most 3650d", "90d")
    .addHelpText("after", "\nExample:\n  lockstep tokens add ci --scope git,read --repositories 'acme/*'")
    .action((name: string, options: AddOptions) => addToken(client(), name, options));
  tokens
    .command("list")
    .description("list the tokens, without their secrets")
    .addHelpText("after", "\nExample:\n  lockstep tokens list")
    .action(() => listTokens(client()));
  tokens
    .command("revoke <name>")
    .description("revoke a token; it is refused from now on")
    .addHelpText("after", "\nExample:\n  lockstep tokens revoke ci")
    .action(async (name: string) => {
      const { body } = await client().ask("POST", `${PATH}/${encodeURIComponent(name)}/revoke`);
      if (client().json) printJson(body);
      else print(`${name} revoked`);
    });
}

interface AuditOptions {
  limit: string;
  cursor?: string;
}

/** The command that lists who did what. */
export function addAuditCommand(program: Command, client: () => Client): void {
  program
    .command("audit")
    .description("list the actions that operators asked for, newest first, and by which token")
    .option("--limit <number>", "how many to list, at most 1000", "50")
    .option("--cursor <cursor>", "continue after the `next` of an earlier answer (see --json)")
    .addHelpText("after", "\nExample:\n  lockstep audit --limit 20")
    .action(async (options: AuditOptions) => {
      const query = new URLSearchParams({ ...options });
      const { body } = await client().ask<{ audit: AuditView[] }>("GET", `/api/v1/audit?${query}`);
      if (client().json) return printJson(body);
      const rows = body.audit.map(({ at, token, via, action, subject, detail, status }) => [
        ago(at),
        token,
        via,
        action,
        subject,
        status === null ? "-" : String(status),
        detail ?? "",
      ]);
      printTable({
        head: ["AGO", "TOKEN", "BY", "ACTION", "OF", "STATUS", "DETAILS"],
        rows,
        empty: "no actions yet",
      });
    });
}

async function addToken(client: Client, name: string, options: AddOptions): Promise<void> {
  const scopes = parseList(options.scope);
  const unknown = scopes.find((scope) => !TOKEN_SCOPES.some((one) => one === scope));
  if (unknown !== undefined || scopes.length === 0)
    throw new AnswerError(
      `${unknown ?? "nothing"} is not a scope`,
      EXIT.usage,
      `use ${TOKEN_SCOPES.join(", ")}`,
    );
  const repositories = options.repositories === undefined ? null : parseList(options.repositories);
  const wanted = { name, scopes, repositories, expires: options.expires };
  const { body } = await client.ask<{ token: TokenView; secret: string }>("POST", PATH, wanted);
  if (client.json) return printJson(body);
  print(body.secret);
  process.stderr.write(
    `${name} is valid until ${body.token.expiresAt.slice(0, 10)}; the token is not shown again\n`,
  );
  if (scopes.includes("git")) await warnUnserved(client);
}

/** A token for git is good for nothing where mirrors are not served, or not to tokens. */
async function warnUnserved(client: Client): Promise<void> {
  const status = await client.ask<Pick<StatusView, "serving">>("GET", "/api/v1/status").catch(() => null);
  if (!status) return;
  const { serving } = status.body;
  if (serving?.readers.includes("token")) return;
  const missing = serving ? "READERS=token" : "SERVE_PORT and READERS=token";
  process.stderr.write(`  → set ${missing}, and start Lockstep again, so that git can use it\n`);
}

async function listTokens(client: Client): Promise<void> {
  const { body } = await client.ask<{ tokens: TokenView[] }>("GET", PATH);
  if (client.json) return printJson(body.tokens);
  const rows = body.tokens.map((token) => [
    token.name,
    token.scopes.join(","),
    token.repositories?.join(",") ?? "all",
    token.expired ? "expired" : token.expiresAt.slice(0, 10),
    ago(token.lastUsedAt),
  ]);
  printTable({
    head: ["NAME", "SCOPES", "REPOSITORIES", "UNTIL", "USED"],
    rows,
    empty: "no tokens but API_TOKEN; make one with lockstep tokens add",
  });
}
