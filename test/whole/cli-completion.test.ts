import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { offered as inBash } from "../support/bash.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

/** Lockstep is away. */
function offered(...words: string[]): string[] {
  const { words: found, stderr } = inBash({}, ...words);
  expect(stderr).toBe("");
  return found;
}

test("bash completes commands, options and their values", () => {
  expect(offered("re").sort()).toEqual(["refresh", "refreshes", "restore", "restore-backup", "resume"]);
  expect(offered("list", "--st")).toContain("--state");
  expect(offered("list", "--state", "fai")).toEqual(["failing"]);
});

test("bash executes nothing of what is typed", () => {
  const file = join(tempDir(), "run");
  for (const typed of [
    `$(touch ${file})`,
    `\`touch ${file}\``,
    `"; touch ${file}; "`,
    `a[$(touch ${file})]`,
  ]) {
    offered("list", typed);
    offered("list", typed, "--st");
    expect(existsSync(file), typed).toBe(false);
  }
  expect(offered("list", "$(true)", "--st")).toContain("--state");
});

test("every command has a help with an example", async () => {
  const { out } = await cli({}, "--help");
  const commands = [...out.split("Commands:")[1]!.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name!);
  expect(commands).toContain("events");
  for (const command of commands.filter((name) => name !== "help"))
    expect((await cli({}, command, "--help")).out, command).toMatch(/\nExample[^\n]*:\n {2}\S/);
  for (const shell of ["zsh", "fish"]) expect((await cli({}, "completion", shell)).out).toContain("lockstep");
  expect((await cli({}, "--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
