import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.js";
import { VARIABLES } from "../../src/config/variables.js";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PRIVATE_KEY = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const load = (env: Record<string, string> = {}) => loadConfig({ APP_ID: "1", PRIVATE_KEY, ...env });

describe(".env.example", () => {
  const lines = readFileSync(".env.example", "utf8").split("\n");
  const assignments = lines.flatMap((line) => {
    const match = /^(?:# )?([A-Z][A-Z_]+)=(.*)$/.exec(line);
    return match ? [[match[1]!, match[2]!] as const] : [];
  });

  it("names every variable that is read, once, and no other", () => {
    expect(assignments.map(([name]) => name).sort()).toEqual(Object.keys(VARIABLES.shape).sort());
  });

  it("shows the defaults", () => {
    const given = Object.fromEntries(assignments.filter(([, value]) => value !== ""));
    expect(Object.keys(given).length).toBeGreaterThan(15);
    const { repositories: _, refs: _r, ...shown } = load(given);
    const { repositories: __, refs: __r, ...unset } = load();
    expect(shown).toEqual(unset);
  });

  it("says in a line above what each one means", () => {
    for (const [index, line] of lines.entries()) {
      if (/^(# )?[A-Z][A-Z_]+=/.test(line)) expect(lines[index - 1], line).toMatch(/^# /);
    }
  });
});
