import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../tools/package-root.js";
import { plainGit } from "../support/git.js";
import { PROGRAMS, type Program, requireProgram, STEPS, type Step } from "./programs.js";
import { run } from "./run.js";
import { type Served, startServing } from "./served.js";

/** A compiler takes its time on a busy machine. */
const BUILD_MS = 600_000;

let served: Served;
/** Commands by the program's name: what takes long to make is made while other programs are tested. */
const built = new Map<string, Promise<readonly string[]>>();
beforeAll(async () => {
  served = await startServing();
  for (const { name, build } of PROGRAMS) {
    if (!build) continue;
    const command = build(served.dir());
    // A failure is reported by the program's own tests.
    command.catch(() => {});
    built.set(name, command);
  }
});

/** A program in a directory of its own. */
function reader({ command, env }: Pick<Program, "command" | "env">) {
  const cwd = served.dir();
  const clone = join(cwd, "clone");
  const [program = "", ...args] = command;
  const READER = { READER_USER: "x", READER_PASSWORD: served.secret };
  const url = `${served.origin}/acme/app`;
  return {
    clone,
    step: (step: Step | "unshallow" | "files", argument = "") =>
      run(program, [...args, step, url, clone, argument], { cwd, env: { ...env, ...READER } }),
    git: (...rest: string[]) => plainGit(join(clone, ".git"), ...rest),
  };
}

const upstream = (...args: string[]) => plainGit(served.app.dir, ...args);
const listed = (text: string) =>
  text
    .split("\n")
    .map((line) => line.split(/\s+/))
    .filter(([, name = ""]) => /^refs\/(heads|tags)\//.test(name) && !name.endsWith("^{}"))
    .map(([id, name]) => `${id} ${name}`)
    .sort();

describe.each(PROGRAMS)("$name", ({ can, ...program }) => {
  let { command } = program;
  beforeAll(async () => {
    requireProgram(program);
    command = (await built.get(program.name)) ?? command;
  }, BUILD_MS);
  const start = () => reader({ ...program, command });
  const when = (step: Step) => test.runIf(can.includes(step));

  when("list")("lists the refs that GitHub has", async () => {
    const refs = upstream("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags");
    expect(listed(await start().step("list"))).toEqual(listed(refs));
  });

  when("clone")("clones every branch, each object of it, and tags; then fetches a push", async () => {
    const { step, git } = start();
    await step("clone");
    for (const branch of ["main", "topic"])
      expect(git("rev-parse", `refs/remotes/origin/${branch}`)).toBe(upstream("rev-parse", branch));
    const objects = git("rev-list", "--objects", "refs/remotes/origin/main", "refs/remotes/origin/topic");
    expect(objects.split("\n").sort()).toEqual(
      upstream("rev-list", "--objects", "main", "topic").split("\n").sort(),
    );
    git("fsck", "--full");
    for (const tag of can.includes("tags") ? ["v1", "light"] : [])
      expect(git("rev-parse", `refs/tags/${tag}`)).toBe(upstream("rev-parse", `refs/tags/${tag}`));
    const { after } = await served.push(served.app, "main");
    await step("fetch");
    expect(git("rev-parse", "refs/remotes/origin/main")).toBe(after);
    git("fsck", "--full");
  });

  when("shallow")("clones one commit, goes deeper, and gets the rest", async () => {
    const { step, git } = start();
    const count = () => Number(git("rev-list", "--count", "refs/remotes/origin/main"));
    await step("shallow");
    expect(git("rev-parse", "refs/remotes/origin/main")).toBe(upstream("rev-parse", "main"));
    expect(count()).toBe(1);
    if (!can.includes("deepen")) return;
    await step("deepen", "3");
    expect(count()).toBe(3);
    await step("unshallow");
    expect(count()).toBe(Number(upstream("rev-list", "--count", "main")));
    git("fsck", "--full");
  });

  when("filter")("clones without files or trees, and fetches them when it needs them", async () => {
    for (const filter of ["blob:none", "tree:0"]) {
      const { step, git, clone } = start();
      await step("filter", filter);
      expect(git("rev-list", "--objects", "--missing=print", "HEAD")).toMatch(/^\?/m);
      await step("files");
      expect(readFileSync(join(clone, "last.txt"), "utf8")).toBe(`${upstream("show", "main:last.txt")}\n`);
    }
  });

  when("single")("clones a single branch", async () => {
    const { step, git } = start();
    await step("single", "topic");
    const branches = git("for-each-ref", "--format=%(refname)", "refs/remotes/origin").split("\n");
    expect(branches.filter((name) => !name.endsWith("/HEAD"))).toEqual(["refs/remotes/origin/topic"]);
    expect(git("rev-parse", "refs/remotes/origin/topic")).toBe(upstream("rev-parse", "topic"));
    expect(() => git("cat-file", "-e", upstream("rev-parse", "main"))).toThrow();
  });

  when("sha")("fetches a commit by its sha", async () => {
    const { step, git } = start();
    const sha = upstream("rev-parse", "main~2");
    await step("sha", sha);
    expect(git("rev-parse", "refs/heads/fetched")).toBe(sha);
    git("fsck", "--full");
  });
});

test("docs/serving.md says what each program can do", () => {
  const page = readFileSync(join(packageRoot(), "docs/serving.md"), "utf8");
  const section = page.split(/^## /m).find((it) => it.startsWith("Clients\n")) ?? "";
  const rows = section.split("\n").filter((line) => /^\| (?!---)/.test(line));
  const cells = rows.map((row) => row.split("|").map((cell) => cell.trim()));
  const documented = Object.fromEntries(
    cells.slice(1).map(([, name = "", ...can]) => [name, can.slice(0, STEPS.length)]),
  );
  const tested = PROGRAMS.map(({ name, can }) => [
    name.replace(/, version.*/, ""),
    STEPS.map((step) => (can.includes(step) ? "yes" : "no")),
  ]);
  expect(documented).toEqual(Object.fromEntries(tested));
});
