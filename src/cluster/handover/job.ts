import { z } from "zod";
import { TRIGGERS } from "../../base/model.js";
import type { RequestDecision } from "../../deliveries/decisions.js";
import { MAX_HOOK } from "../../deliveries/hook.js";
import type { DeliveryRecord } from "../../deliveries/log.js";
import { JOB_FORMAT } from "../beat.js";
import type { Seal } from "../seal.js";

/** A verified delivery on its way to an owner. It has what was decided, and nothing else of GitHub's payload. */
export interface HandedOver {
  /** How many nodes have passed it on that did not receive it from GitHub. */
  hops: number;
  delivery: Omit<DeliveryRecord, "receivedAt">;
  decision: RequestDecision;
}

/** The data of a job in BullMQ. */
export interface JobData {
  sealed: string;
}

const Hint = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  pushedAt: z.int(),
  ordered: z.boolean().optional(),
  forced: z.boolean().optional(),
});
const Decision = z.object({
  kind: z.literal("request"),
  subject: z.object({ kind: z.enum(["repository", "installation"]), id: z.int().positive() }),
  intent: z.object({ trigger: z.enum(TRIGGERS), hints: z.array(Hint), full: z.boolean() }),
  installationId: z.int().positive().optional(),
  repository: z.object({ owner: z.string(), name: z.string() }).optional(),
  repositoryId: z.int().positive().optional(),
});
const Delivery = z.object({
  id: z.string().min(1).max(64),
  event: z.string().min(1).max(64),
  action: z.string().max(100).nullable(),
  via: z.enum(["webhook", "recovered", "pull"]),
  repositoryId: z.int().positive().optional(),
  repository: z.string().optional(),
  installationId: z.int().positive().optional(),
  hook: z.string().max(MAX_HOOK).optional(),
});
const Job = z.object({
  hops: z.int().min(0),
  delivery: Delivery,
  decision: Decision,
});
const Form = z.object({ format: z.int().min(1) });

/** @param format the newest form that all nodes read: in an upgrade node by node, nobody gets what it cannot read */
export function writeJob(seal: Seal, handed: HandedOver, format: number): JobData {
  // The receiver's clock says nothing to the owner.
  const { receivedAt: _, ...delivery } = handed.delivery as DeliveryRecord;
  const job = { format: Math.min(JOB_FORMAT, format), ...handed, delivery };
  return { sealed: seal.close("delivery", JSON.stringify(job)) };
}

/** @returns `forged`: no node of this cluster wrote it; `newer`: a later version of this program did */
export function readJob(seal: Seal, data: unknown): HandedOver | "forged" | "newer" {
  const sealed = z.object({ sealed: z.string() }).safeParse(data).data?.sealed;
  const text = sealed === undefined ? null : seal.open("delivery", sealed);
  if (text === null) return "forged";
  const value: unknown = JSON.parse(text);
  if (Form.parse(value).format > JOB_FORMAT) return "newer";
  // A field that is missing in JSON is missing here, too.
  return Job.parse(value) as HandedOver;
}
