/** The import direction of the architecture; test/architecture.test.ts runs it. */
const layer = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: to },
});

const LOW =
  "^src/(config|config-faults|variables|patterns|units|names|selection|deliveries|delivery-log|delivery-list|maintenance-log|maintenance-due|store|registry|repository-list|proof-ages|refresh-log|holds|outbox|backlog|exec-hook|receiver|queue|git|github)";
const MIDDLE = "^src/(decide|history|bring|syncer|lifecycle)\\.ts|^src/checkouts/";
const HIGH =
  "^src/(schedule|worker|once|acceptance|views|delivery-views|history-views|maintenance|announce|contains)\\.ts|^src/(http|announce)/";
const TOP = "^src/(compose|core|index|cli)\\.ts|^src/cli/";

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    layer("model-imports-nothing", "^src/model\\.ts", "."),
    layer("errors-imports-model-alone", "^src/errors\\.ts", "^(?!src/model\\.ts)"),
    layer("low-imports-no-higher", LOW, `${MIDDLE}|${HIGH}|${TOP}`),
    layer("middle-imports-no-higher", MIDDLE, `${HIGH}|${TOP}`),
    layer("high-imports-no-top", HIGH, TOP),
    layer("git-knows-no-github", "^src/git/", "^src/github/"),
    layer("github-knows-no-git", "^src/github/", "^src/git/"),
    {
      name: "one-module-runs-git",
      severity: "error",
      from: { pathNot: "^src/git/exec\\.ts" },
      to: { path: "simple-git" },
    },
    {
      name: "nobody-else-spawns",
      severity: "error",
      from: { pathNot: "^src/git/run/child\\.ts|^src/machine/(processes|programs|terminate)\\.ts" },
      to: { path: "^(node:)?child_process$" },
    },
    {
      name: "octokit-and-probot-stay-outside",
      severity: "error",
      from: { pathNot: "^src/(index|compose|cli/start|cli/register)\\.ts|^src/github/" },
      to: { path: "node_modules/(probot|@octokit)/", pathNot: "node_modules/@octokit/webhooks/" },
    },
    {
      name: "webhooks-are-the-receivers",
      severity: "error",
      from: { pathNot: "^src/receiver" },
      to: { path: "node_modules/@octokit/webhooks/" },
    },
    {
      name: "src-imports-no-tools",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(tools|test|bench)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // It has no way to tell swc of TSX: test/architecture.test.ts looks at what these import.
    exclude: { path: "[.]tsx$" },
    // TypeScript 7 has no API for tools yet.
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
