import type { Context } from "hono";
import { z } from "zod";
import { message } from "./layout.js";

const Answer = z.object({ status: z.number(), detail: z.string(), remedy: z.string() });

const FRAMES: Record<number, { title: string; status: 404 | 409 }> = {
  404: { title: "Not found", status: 404 },
  409: { title: "Nothing was done", status: 409 },
};

/** Shows a refusal of the API to a person. */
export async function explain(context: Context, here: string, refusal: Response): Promise<Response> {
  const { status, detail, remedy } = Answer.parse(await refusal.json());
  const frame = FRAMES[status] ?? { title: "Not understood", status: 400 };
  return message(context, { ...frame, here }, detail, remedy);
}
