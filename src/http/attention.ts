import { z } from "zod";
import { Time } from "./view.js";

/** Something that an operator should look at, with what helps. */
export const Attention = z
  .object({
    kind: z.enum(["outage", "problem", "failing", "held"]).meta({
      description:
        "outage: a server of GitHub's answers nobody. problem: a fault of the whole. failing: refreshes fail. held: a ref stays where it is",
    }),
    code: z.string().meta({ description: "the code of the problem or failure, or the cause of the hold" }),
    repository: z.string().nullable().meta({ description: "owner/name; null: more than one, or the whole" }),
    repositories: z.number().int().meta({ description: "how many it is about; 0: the whole" }),
    names: z.array(z.string()).meta({ description: "the first of them" }),
    detail: z.string(),
    remedy: z.string(),
    since: Time,
    call: z.string().nullable().meta({ description: "the call of this API that helps" }),
    ref: z.string().nullable().meta({ description: "the held ref" }),
    wanted: z.string().nullable().meta({ description: "what GitHub has for the held ref" }),
    installationId: z.number().int().nullable(),
    server: z
      .string()
      .nullable()
      .meta({ description: "the server that answers nobody", example: "github.com" }),
  })
  .meta({ id: "Attention" });

export type AttentionView = z.infer<typeof Attention>;

/** So many entries are listed; `total` counts all. */
export const MAX_ATTENTION = 30;
