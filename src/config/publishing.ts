import type { z } from "zod";
import type { VARIABLES } from "./variables.js";

/** What one published tree may have, its submodules included; bytes and milliseconds. */
export interface TreeBudget {
  readonly submodules: number;
  readonly depth: number;
  readonly files: number;
  readonly bytes: number;
  readonly timeMs: number;
}

/** The keys of which one must have signed a commit before it is published. */
export type Signers = { kind: "ssh"; file: string } | { kind: "openpgp"; home: string };

type Values = Partial<z.output<typeof VARIABLES>>;

export const treeBudgetOf = (values: Values): TreeBudget => ({
  submodules: values.CHECKOUT_MAX_SUBMODULES ?? 1_000,
  depth: values.CHECKOUT_MAX_DEPTH ?? 10,
  files: values.CHECKOUT_MAX_FILES ?? 2_000_000,
  bytes: values.CHECKOUT_MAX_SIZE ?? 64 * 2 ** 30,
  timeMs: values.CHECKOUT_TIMEOUT ?? 30 * 60_000,
});

/** @returns null: no signature is needed */
export function signersOf({ VERIFY_SIGNATURES: kind, ALLOWED_SIGNERS, GPG_HOME }: Values): Signers | null {
  if (kind === "ssh") return { kind, file: ALLOWED_SIGNERS! };
  return kind === "openpgp" ? { kind, home: GPG_HOME! } : null;
}
