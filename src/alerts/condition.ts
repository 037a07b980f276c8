import type { AttentionView } from "../http/attention.js";
import type { StatusView } from "../http/status-view.js";
import { verdictOf } from "../http/verdict.js";

/**
 * - well: every mirror is in step, or is being cloned for the first time.
 * - attention: somebody should look, and every mirror was proven equal to GitHub within STALE_AFTER.
 * - not_fresh: `/freshz` answers 503.
 */
export type Level = "well" | "attention" | "not_fresh";

export interface Condition {
  level: Level;
  /** What a message says of it. */
  text: string;
}

const TITLES: Readonly<Record<Level, string>> = {
  well: "well again",
  attention: "needs attention",
  not_fresh: "not fresh",
};
/** A chat shows this much without folding it. */
const MAX_ITEMS = 5;
const MAX_TEXT = 500;

export function levelOf({ state, attentionTotal }: Pick<StatusView, "state" | "attentionTotal">): Level {
  if (state === "stale") return "not_fresh";
  return attentionTotal > 0 ? "attention" : "well";
}

/** Describes how things stand, for a person in a chat. @param where this server's address; null: not known */
export function describe(status: StatusView, where: string | null): Condition {
  const level = levelOf(status);
  const { title, detail } = verdictOf(status);
  const head = `*Lockstep${where ? ` at ${escapeText(where)}` : ""}: ${TITLES[level]}*`;
  const items = status.attention.slice(0, MAX_ITEMS).map(describeItem);
  const more = status.attentionTotal - items.length;
  const lines = [
    head,
    escapeText(`${title}. ${detail}`),
    ...items,
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
  return { level, text: lines.join("\n") };
}

function describeItem({ code, server, repository, repositories, detail, remedy }: AttentionView): string {
  const about = repository ?? server ?? (repositories > 1 ? `${repositories} repositories` : "");
  return escapeText(`• ${code}${about && ` (${about})`}: ${detail} → ${remedy}`.slice(0, MAX_TEXT));
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping */
const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\n", " ");
