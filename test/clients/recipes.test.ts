import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { packageRoot } from "../../tools/package-root.js";
import { PATH, plainGit } from "../support/git.js";
import { run } from "./run.js";
import { type Served, startServing } from "./served.js";

const page = (path: string) => readFileSync(join(packageRoot(), path), "utf8");
const MIRROR = "https://mirror.example.com";

let served: Served;
beforeAll(async () => {
  served = await startServing({}, (standin) => standin.createRepository("acme", "lib"));
});

/** The code of one recipe, by language, as it is read where the mirror is. */
function codeOf(recipe: string, language: string): string[] {
  const recipes =
    page("docs/serving.md")
      .split(/^## /m)
      .find((it) => it.startsWith("Recipes\n")) ?? "";
  const text = recipes.split(/^### /m).find((it) => it.startsWith(`${recipe}\n`)) ?? "";
  const fenced = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms");
  return [...text.matchAll(fenced)].map(([, code = ""]) =>
    code
      .replaceAll(MIRROR, served.origin)
      .replace(/https:\/\/(ci:\$LOCKSTEP_TOKEN@)mirror\.example\.com/g, served.origin.replace("//", "//$1")),
  );
}

/** Who runs a recipe: it has a token of Lockstep's, and is signed in to GitHub with gh. */
function machine() {
  const cwd = served.dir();
  const bin = join(cwd, "bin");
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
    return join(bin, name);
  };
  program("gh", `[ "$*" = "auth token" ] && echo ${served.githubToken()}`);
  const env: Record<string, string> = { PATH: `${bin}:${PATH}`, LOCKSTEP_TOKEN: served.secret };
  const shell = (script: string, more: Record<string, string> = {}) =>
    run("/bin/bash", ["-euc", script], { cwd, env: { ...env, ...more } });
  return { cwd, program, shell };
}

const tip = (ref = "main") => plainGit(served.app.dir, "rev-parse", ref);

test("a machine with a token", async () => {
  const { cwd, shell } = machine();
  const [script = ""] = codeOf("A machine with a token", "sh");
  await shell(script);
  expect(await shell("git -C app rev-parse HEAD")).toBe(tip());
  expect(existsSync(join(cwd, "lib/README.md"))).toBe(true);
});

test("a laptop: reads from the mirror, pushes to GitHub", async () => {
  const { shell } = machine();
  const [script = "", direct = ""] = codeOf("A laptop", "sh");
  expect(await shell(script)).toBe("https://github.com/acme/app");
  expect(await shell("git -C app rev-parse HEAD")).toBe(tip());
  expect(await shell("git -C app remote get-url origin")).toBe(`${served.origin}/acme/app`);
  expect(await shell(direct)).toBe("https://github.com/acme/app");
  expect(await shell("git -C direct rev-parse HEAD")).toBe(tip());
});

test("GitLab Runner: variables of a job", async () => {
  const { shell } = machine();
  const { variables } = parse(codeOf("GitLab Runner", "yaml")[0] ?? "") as {
    variables: Record<string, string>;
  };
  const basic = await shell(`printf 'ci:%s' "$LOCKSTEP_TOKEN" | base64 --wrap=0`);
  const env = Object.entries(variables).map(([name, text]) => [name, text.replace("$MIRROR_BASIC", basic)]);
  await shell("git clone https://github.com/acme/app", Object.fromEntries(env));
  expect(await shell("git -C app rev-parse HEAD")).toBe(tip());
});

test("Jenkins: the commands of its plugin", async () => {
  const { shell, program } = machine();
  const answers = `case "$1" in Username*) echo ci ;; *) echo "$LOCKSTEP_TOKEN" ;; esac`;
  const [script = ""] = codeOf("Jenkins", "sh");
  const listed = await shell(script, { GIT_ASKPASS: program("askpass", answers) });
  expect(listed).toContain(`${tip()}\trefs/heads/main`);
  expect(await shell("git -C app rev-parse HEAD refs/remotes/origin/topic")).toBe(
    `${tip()}\n${tip("topic")}`,
  );
});

test("Buildkite: the agent's hook and commands", async () => {
  const { shell } = machine();
  const [script = ""] = codeOf("Buildkite", "sh");
  const BUILDKITE_COMMIT = tip("main~1");
  await shell(script, { BUILDKITE_COMMIT });
  expect(await shell("git -C app rev-parse HEAD")).toBe(BUILDKITE_COMMIT);
});

test("zoekt: a bare clone with every branch", async () => {
  const { shell } = machine();
  const [script = ""] = codeOf("zoekt and other search", "sh");
  await shell(script);
  expect(await shell("git -C app.git rev-parse main topic")).toBe(`${tip()}\n${tip("topic")}`);
  expect(await shell("git -C app.git config zoekt.name")).toBe("github.com/acme/app");
});

test("GitHub Actions: what the recipes give the action are its inputs", () => {
  const { inputs } = parse(page("action/action.yml")) as { inputs: Record<string, { required?: boolean }> };
  const [, own = ""] = codeOf("GitHub Actions", "yaml");
  const { steps } = parse(own) as { steps: { uses: string; with: Record<string, unknown> }[] };
  const call = steps.find(({ uses }) => uses.includes("/action@"))!;
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(call.with)));
  const required = Object.keys(inputs).filter((name) => inputs[name]!.required);
  expect(Object.keys(call.with)).toEqual(expect.arrayContaining(required));
});
