import { duration } from "../../base/units.js";
import type { StatusView } from "../status-view.js";
import { Copied } from "./copied.js";
import { Icon } from "./icon.js";
import { Notice } from "./notice.js";
import { Ago } from "./parts.js";
import { Word } from "./words.js";

/** What an operator needs who has only begun. */
export interface FirstSteps {
  /** Where GitHub is to deliver: a URL, or only its path where nobody has told the server its public URL. */
  webhook: string;
  /** Reads where the App is installed on an account; null: GitHub has not said so. */
  installUrl(): Promise<string | null>;
}

export const isEmpty = ({ repositories }: Pick<StatusView, "repositories">): boolean =>
  Object.values(repositories).every((count) => count === 0);

/** Says how repositories get here. @param installUrl null: not known */
export const NoRepository = ({ of: status, installUrl }: { of: StatusView; installUrl: string | null }) => (
  <section class="box empty">
    <Icon name="repo" />
    <p>Install the App on a GitHub account and choose its repositories. They appear here by themselves.</p>
    {installUrl === null ? (
      <p>
        → On the App's page at GitHub, choose <b>Install App</b>.
      </p>
    ) : (
      <a class="button primary" href={installUrl} rel="noreferrer">
        Install the App
      </a>
    )}
    <p class="dim small">
      The list of installations was read <Ago at={status.backstop.lastPassAt} />.
    </p>
  </section>
);

/** Says what to do before the first push can arrive. */
export const NoWebhook = ({
  of: {
    deliveries,
    mirrors,
    backstop: { intervalMs },
  },
  webhook,
}: {
  of: StatusView;
  webhook: string;
}) =>
  deliveries.mode === "webhook" && deliveries.lastWebhookAt === null && mirrors.cloned > 0 ? (
    <Notice mood="warn">
      GitHub has not called yet, so{" "}
      {intervalMs === null ? (
        "no push is found"
      ) : (
        <>
          pushes are found only by the <Word of="backstop">backstop</Word>, every {duration(intervalMs)}
        </>
      )}
      . → Push something after the App's webhook URL is set to <Webhook at={webhook} />
    </Notice>
  ) : null;

/** Says where the first delivery will come from. */
export const NoDelivery = ({ of: { deliveries }, webhook }: { of: StatusView; webhook: string }) => (
  <div class="empty">
    <Icon name="webhook" />
    <p>
      <b>No delivery yet.</b>{" "}
      {deliveries.mode === "pull" ? (
        "The next push appears here as soon as it is in GitHub's log of deliveries."
      ) : (
        <>
          After a push, GitHub calls the App's webhook URL, which must be <Webhook at={webhook} />
        </>
      )}
    </p>
  </div>
);

const Webhook = ({ at }: { at: string }) =>
  at.startsWith("/") ? (
    <>
      this server's public address with the path <Copied id="webhook" text={at} />
    </>
  ) : (
    <Copied id="webhook" text={at} />
  );
