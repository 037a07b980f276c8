/**
 * This file lists what GitHub does and asks for, each fact with its source. "Observed" means that no page of
 * GitHub's documentation states the fact.
 */

/**
 * Observed: replicas are at most seconds behind a webhook. An old answer that lasts longer is the truth.
 * Milliseconds.
 */
export const REPLICA_LAG_MS = 20_000;

/** After this time a push that no replica shows counts as superseded. Milliseconds. Our choice. */
export const REPLICA_GIVES_UP_MS = 24 * 3_600_000;

/** Observed: when a delivery says the same as an old answer, a shorter wait is enough. Milliseconds. */
export const AGREED_REPLICA_LAG_MS = 3_000;

/**
 * Observed: GitHub's answers overtake one another by seconds. A stored time that is further ahead of an
 * answer was stored while GitHub's clock was wrong, as an Enterprise Server's clock can be. Seconds.
 */
export const MAX_CLOCK_SKEW_S = 300;

/**
 * How long an App's deliveries can be listed, in milliseconds.
 * https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks,
 * https://docs.github.com/en/enterprise-server@3.17/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
 */
export const DELIVERIES_LISTED_MS = { github: 3 * 86_400_000, enterprise: 7 * 86_400_000 } as const;

/** Observed: an entry can appear in the list of deliveries minutes after the delivery. Milliseconds. */
export const DELIVERY_LISTED_WITHIN_MS = 15 * 60_000;

/**
 * GitHub asks its clients to stay below this number of reads of one repository in a second.
 * https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits
 */
export const MAX_READS_PER_SECOND = 15;

/**
 * A push of more tags than this has no delivery.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
export const MAX_TAGS_WITH_DELIVERY = 3;

/**
 * The largest body of a webhook call: GitHub says 25 MB. Bytes.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
 */
export const MAX_PAYLOAD_BYTES = 25 * 2 ** 20;
