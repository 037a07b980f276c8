import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import validator from "@action-validator/core";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { z } from "zod";
import { packageRoot } from "../../tools/package-root.js";

const root = packageRoot();
const read = (path: string) => readFileSync(join(root, path), "utf8");
const { engines, version } = JSON.parse(read("package.json")) as {
  engines: { node: string };
  version: string;
};

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

test.each(["ci", "release"])("the workflow %s is one by the schema of GitHub's workflows", (name) => {
  const text = read(`.github/workflows/${name}.yml`);
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

test("a release is checked before anything is published, and nothing but the last steps can write", () => {
  const { permissions, jobs } = load(".github/workflows/release.yml") as {
    permissions: unknown;
    jobs: Record<string, Job & { needs?: string | string[]; permissions?: Record<string, string> }>;
  };
  expect(permissions).toEqual({ contents: "read" });
  expect(Object.fromEntries(Object.entries(jobs).map(([name, { needs }]) => [name, needs]))).toEqual({
    check: undefined,
    package: "check",
    image: "check",
    notes: ["package", "image"],
  });
  expect(jobs.check?.permissions).toBeUndefined();
  expect(jobs.check?.steps.map(({ run }) => run)).toEqual(
    expect.arrayContaining([".ci/release-tag", ".ci/run"]),
  );
  for (const { steps } of Object.values(jobs))
    for (const { uses } of steps) if (uses) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
});

test("the CHANGELOG has the version of package.json with a date, and a release's notes are that part of it", () => {
  expect(read("CHANGELOG.md")).toMatch(
    new RegExp(`^## ${version.replaceAll(".", "\\.")} \\(\\d{4}-\\d\\d-\\d\\d\\)$`, "m"),
  );
  const notes = (asked: string) => spawnSync(join(root, ".ci/release-notes"), [asked], { encoding: "utf8" });
  expect(notes(version).stdout).toMatch(/^\S/m);
  expect(notes(version).stdout).not.toMatch(/^## /m);
  const unknown = notes("9.9.9");
  expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining("no version 9.9.9")]);
});

test("a tag that is not the version of package.json is refused", () => {
  const env = { PATH: process.env.PATH, TAG: "v9.9.9" } as NodeJS.ProcessEnv;
  const { status, stderr } = spawnSync(join(root, ".ci/release-tag"), { encoding: "utf8", env });
  expect([status, stderr]).toEqual([1, expect.stringContaining(`package.json says ${version}`)]);
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
