import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import validator from "@action-validator/core";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { z } from "zod";
import { packageRoot } from "../../tools/package-root.js";

const root = packageRoot();
const read = (path: string) => readFileSync(join(root, path), "utf8");
const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };

function load(path: string): unknown {
  const document = parseDocument(read(path), { uniqueKeys: true });
  expect([...document.errors, ...document.warnings], path).toEqual([]);
  return document.toJS();
}

interface Job {
  strategy?: { matrix: { node?: number[] } };
  container?: { image: string };
  steps: { uses?: string; run?: string }[];
}
const WORKFLOW = ".github/workflows/ci.yml";
const jobs = () => Object.values((load(WORKFLOW) as { jobs: Record<string, Job> }).jobs);

test("the workflow is one by the schema of GitHub's workflows", () => {
  const text = read(WORKFLOW);
  expect(validator.validateWorkflow(text).errors).toEqual([]);
  const misspelt = text.replace("runs-on:", "run-on:");
  expect(validator.validateWorkflow(misspelt).errors).not.toEqual([]);
});

test("the action is one by the schema of GitHub's actions", () => {
  const text = read("action/action.yml");
  expect(validator.validateAction(text).errors).toEqual([]);
  expect(validator.validateAction(text.replace("shell: sh", "shel: sh")).errors).not.toEqual([]);
});

test("every job of the workflow calls .ci/run, with actions of a fixed major version", () => {
  for (const { steps } of jobs()) {
    expect(steps.at(-1)).toEqual({ run: ".ci/run" });
    for (const { uses } of steps) if (uses) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  }
});

test("the workflow runs on the oldest Node.js that engines allows and on LTS releases after it", () => {
  const majors = jobs().flatMap(({ strategy }) => strategy?.matrix.node ?? []);
  const allowed = [...engines.node.matchAll(/(\d+)(?:\.\d+)*/g)].map(([, major]) => Number(major));
  expect(majors).toEqual(expect.arrayContaining(allowed));
  expect(majors).toEqual([20, 22, 24]);
  expect(read(".node-version")).toBe(`${Math.min(...allowed)}\n`);
});

test("the workflow runs with an old git, too", () => {
  expect(jobs().map(({ container }) => container?.image)).toContain("node:20-bookworm");
});

const text = z.string().min(5);
/** https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema */
const field = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("markdown"), attributes: z.strictObject({ value: text }) }),
  z.strictObject({
    type: z.enum(["input", "textarea"]),
    id: z.string().regex(/^[\w-]+$/),
    attributes: z.strictObject({
      label: text,
      description: text.optional(),
      placeholder: text.optional(),
      render: z.literal("text").optional(),
    }),
    validations: z.strictObject({ required: z.boolean() }).optional(),
  }),
]);
const form = z.strictObject({
  name: z.string().min(3),
  description: text,
  labels: z.array(z.string()),
  body: z.array(field).min(1),
});

test("the forms for issues have what GitHub's forms must have", () => {
  const files = readdirSync(join(root, ".github/ISSUE_TEMPLATE")).filter((file) => file !== "config.yml");
  expect(files).toEqual(["bug.yml", "wish.yml"]);
  for (const file of files) {
    const { body } = form.parse(load(`.github/ISSUE_TEMPLATE/${file}`));
    const ids = body.flatMap((it) => ("id" in it ? [it.id] : []));
    expect(new Set(ids).size, file).toBe(ids.length);
    expect(ids.length, file).toBeGreaterThan(0);
  }
  expect(load(".github/ISSUE_TEMPLATE/config.yml")).toEqual({ blank_issues_enabled: false });
});

test("dependabot looks after npm's packages and the workflow's actions", () => {
  const { version, updates } = load(".github/dependabot.yml") as {
    version: number;
    updates: { "package-ecosystem": string; directory: string; schedule: { interval: string } }[];
  };
  expect(version).toBe(2);
  expect(updates.map((it) => it["package-ecosystem"])).toEqual(["npm", "github-actions"]);
  for (const { directory, schedule } of updates) {
    expect(directory).toBe("/");
    expect(schedule.interval).toBe("weekly");
  }
});
