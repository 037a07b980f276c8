import { z } from "zod";
import type { Seal } from "./seal.js";

/** The form of the jobs that this program writes and reads at most. */
export const JOB_FORMAT = 1;

const Beat = z.object({
  name: z.string().regex(/^[a-z\d-]{1,40}$/),
  /** The random id in the node's DATA_DIR. */
  id: z.string().min(1).max(64),
  /** Random for each process of the node. */
  epoch: z.string().min(1).max(64),
  /** Grows with every beat of the process. */
  count: z.int().min(1),
  weight: z.number().min(0).max(1_000),
  /** Where other nodes reach the node; null: nowhere. */
  url: z.string().max(2_000).nullable(),
  /** Whether the node is about to stop. */
  leaving: z.boolean(),
  /** The newest form of jobs that the node reads. */
  format: z.int().min(1),
  /** REPLICAS of the node, which all nodes should share. */
  replicas: z.union([z.int().min(1), z.literal("all")]).optional(),
  /** Which settings of the cluster the node goes by. */
  settings: z.object({ version: z.int().min(0), hash: z.string().max(64) }).optional(),
  /** The version of the node's program. */
  version: z.string().max(64).optional(),
  /** The node's wall clock when it wrote this, in milliseconds since 1970. */
  at: z.number().optional(),
});

/** What a node says of itself every two seconds. */
export type Beat = z.output<typeof Beat>;

export const writeBeat = (seal: Seal, beat: Beat): string => seal.close("beat", JSON.stringify(beat));

/** Under this key Redis has the last beat of each node. @param prefix what all keys of the cluster begin with */
export const beatsKeyOf = (prefix: string): string => `${prefix}:beats`;

/** What all keys of a cluster begin with. @param cluster the name that all its nodes share */
export const prefixOf = (cluster: string): string => `lockstep:${cluster}`;

/** @returns null: no node of this cluster has written it, or not under this name */
export function readBeat(seal: Seal, name: string, sealed: string): Beat | null {
  const text = seal.open("beat", sealed);
  if (text === null) return null;
  try {
    const beat = Beat.parse(JSON.parse(text));
    return beat.name === name ? beat : null;
  } catch {
    return null;
  }
}
