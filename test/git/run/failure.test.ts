import { expect, test } from "vitest";
import { failureOf, notStarted } from "../../../src/git/run/failure.js";

const CALL = { args: ["fetch"], timeoutMs: 1_000 };

// What git says after fork(2), open(2) or malloc(3) has failed: run-command.c, wrapper.c.
test.each([
  "error: cannot fork() for index-pack: Resource temporarily unavailable",
  "error: cannot open .git/objects/pack: Too many open files",
  "fatal: Out of memory, malloc failed (tried to allocate 1073741824 bytes)",
  "fatal: mmap failed: Cannot allocate memory",
])("a machine without room for more is told apart from a fault of the mirror: %s", (said) => {
  expect(failureOf(CALL, 128, said).code).toBe("out_of_resources");
});

test.each(["EAGAIN", "EMFILE", "ENOMEM"])("a git that cannot be started for %s is no missing git", (code) => {
  const error = Object.assign(new Error(`spawn git ${code}`), { code });
  expect(notStarted(CALL, error).code).toBe("out_of_resources");
});

test.each(["ENOENT", "EACCES"])("a git that cannot be started for %s is missing", (code) => {
  expect(notStarted(CALL, Object.assign(new Error(`spawn git ${code}`), { code })).code).toBe("no_git");
});

// refs.c, of git 2.39: a bit of the name has flipped in packed-refs, and git would not write such a name.
test("a ref that git lists and refuses to change is a damage of the mirror", () => {
  const said = "fatal: refusing to update ref with bad name 'ref\\363/lockstep/kept/1-2/heads/main'";
  expect(failureOf({ ...CALL, args: ["update-ref"] }, 128, said).code).toBe("corrupt");
});
