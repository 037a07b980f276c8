import { asRefreshError } from "../base/errors.js";
import type { Config } from "../config/load.js";
import { isTaken, remedyOf } from "../deliveries/call-status.js";
import type { Inspector } from "../github/inspect.js";
import { type Finding, fail, failed, ok, warn } from "./finding.js";

type Settings = Pick<Config, "deliveries" | "webhookSecrets" | "webhookPaths" | "publicUrl">;
type Delivery = Awaited<ReturnType<Inspector["deliveries"]>>[number];

/** The state is judged by this many of the newest deliveries. */
const RECENT = 20;

export async function checkWebhook(github: Inspector, settings: Settings): Promise<Finding[]> {
  try {
    const hook = await github.hook();
    const asSet = settings.deliveries === "pull" ? [judgeLoggedHook(hook)] : judgeHook(hook, settings);
    return [...asSet, judgeDeliveries(await github.deliveries(), settings.deliveries)];
  } catch (error) {
    return [failed("webhook", asRefreshError(error))];
  }
}

/**
 * With DELIVERIES=pull GitHub need not reach the webhook, but GitHub logs only deliveries that it tries to
 * make.
 */
export function judgeLoggedHook({ url }: { url: string }): Finding {
  if (URL.canParse(url)) return ok("webhook", `GitHub logs what it delivers to ${url}`);
  const remedy = "activate the App's webhook and give it a URL, such as https://lockstep.invalid/";
  return fail("webhook", "the App has no webhook URL: GitHub logs nothing", remedy);
}

export function judgeHook(
  { url, verifiesTls, hasSecret }: Awaited<ReturnType<Inspector["hook"]>>,
  { webhookSecrets, webhookPaths, publicUrl }: Settings,
): Finding[] {
  const path = webhookPaths[0]!;
  const setIt = `set PUBLIC_URL and start Lockstep, or write https://<this server>${path} into the App's settings`;
  const found: Finding[] = [];
  if (!URL.canParse(url)) found.push(fail("webhook", "the App has no webhook URL", setIt));
  else if (!webhookPaths.includes(new URL(url).pathname))
    found.push(fail("webhook", `GitHub sends webhooks to ${url}, and ${path} is served`, setIt));
  else if (publicUrl && new URL(url).origin !== publicUrl)
    found.push(
      warn(
        "webhook",
        `GitHub sends webhooks to ${url}, and PUBLIC_URL is ${publicUrl}`,
        "start Lockstep, which sets it",
      ),
    );
  else found.push(ok("webhook", `GitHub sends webhooks to ${url}`));
  if (webhookSecrets.length === 0)
    found.push(
      fail(
        "webhook",
        "WEBHOOK_SECRET is not set: no webhook is served",
        "set it to the value in the App's settings",
      ),
    );
  else if (!hasSecret)
    found.push(
      fail(
        "webhook",
        "the App does not sign its deliveries",
        "write WEBHOOK_SECRET into the App's webhook settings",
      ),
    );
  if (!verifiesTls)
    found.push(
      warn(
        "webhook",
        "GitHub does not verify the server's certificate",
        "enable SSL verification in the App's settings",
      ),
    );
  return found;
}

/** @param deliveries newest first */
export function judgeDeliveries(deliveries: Delivery[], mode: Config["deliveries"]): Finding {
  const recent = deliveries.slice(0, RECENT);
  if (recent.length === 0) {
    const remedy = "check that the App's webhook is active, push something, and run this again";
    return warn("deliveries", "GitHub has no deliveries from the last few days", remedy);
  }
  if (mode === "pull") return ok("deliveries", `${deliveries.length} to be read`);
  const tally = new Map<number, number>();
  for (const { statusCode } of recent) tally.set(statusCode, (tally.get(statusCode) ?? 0) + 1);
  const shown = [...tally].map(([status, count]) => `${count} × ${status || "no answer"}`).join(", ");
  const worst = recent.find(({ statusCode }) => !isTaken(statusCode));
  if (!worst) return ok("deliveries", `the last ones: ${shown}`);
  const remedy = remedyOf(worst.statusCode);
  // The newest delivery's status is the present state.
  const judge = isTaken(recent[0]!.statusCode) ? warn : fail;
  return judge("deliveries", `the last ones: ${shown}`, remedy);
}
