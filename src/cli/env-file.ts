import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { writeDurablySync } from "../machine/durable.js";

/** Loads missing variables from `.env` in the working directory, as Probot does. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch {
    // without .env, the environment is complete as it is
  }
}

/**
 * Writes values into the file, readable by its owner only; other lines stay unchanged, including comments and what has
 * the value already.
 */
export function updateEnvFile(file: string, values: Record<string, string>): void {
  const present = readLines(file);
  const known = parseEnv(present.join("\n"));
  const changed = Object.entries(values).filter(([name, value]) => known[name] !== value);
  const names = new Set(changed.map(([name]) => name));
  const keptLines = present.filter((line) => !names.has(/^\s*([A-Z_]+)\s*=/.exec(line)?.[1] ?? ""));
  const lines = changed.map(([name, value]) => `${name}=${quoted(value)}`);
  const text = [...keptLines, ...lines].join("\n");
  // GitHub shows a private key once, so a power cut must not lose the file.
  writeDurablySync(file, `${text}\n`, { mode: 0o600 });
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

function quoted(value: string): string {
  if (/^[\w./:@,*!-]*$/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value.replaceAll("\n", "\\n")}"`;
}
