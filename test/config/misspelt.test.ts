import { expect, test } from "vitest";
import { findMisspelt } from "../../src/config/misspelt.js";

test.each([
  ["DATADIR", "DATA_DIR"],
  ["data_dir", "DATA_DIR"],
  ["LOCKSTEP_DATA_DIR", "DATA_DIR"],
  ["REPOSITORY", null],
  ["REPOSITORES", "REPOSITORIES"],
  ["API_TOKENS", "API_TOKEN"],
  ["REDIS_URI", "REDIS_URL"],
  ["WEBHOOK_SECRETS", "WEBHOOK_SECRET"],
  ["INTERVALL", "INTERVAL"],
])("%s means %s", (name, meant) => {
  expect(findMisspelt({ [name]: "x" })).toEqual(meant ? [{ name, meant }] : []);
});

test("what others set, what is ours, and what is empty is left alone", () => {
  const names =
    "PATH HOME HOSTNAME USER SHELL LANG PWD SHLVL NODE_ENV NODE_OPTIONS NODE_PATH HTTPS_PROXY NO_PROXY GIT_EDITOR GIT_DIR LOCKSTEP_URL LOCKSTEP_PORT LOCKSTEP_SERVICE_HOST LOCKSTEP_SERVICE_PORT GH_ORG POST EDITOR LOGNAME MAIL";
  expect(findMisspelt(Object.fromEntries(names.split(" ").map((name) => [name, "x"])))).toEqual([]);
  expect(findMisspelt({ DATA_DIR: "x", INTERVAL: "5m", DATADIR: "" })).toEqual([]);
  // Somebody who sets both knows what they do.
  expect(findMisspelt({ DATA_DIR: "x", DATADIR: "y" })).toEqual([]);
});
