/**
 * Who may import whom: architecture.json has a line for each folder of src/ and for each of the five files at the
 * top. test/project/architecture.test.ts runs these rules.
 */
const IMPORTS = require("./architecture.json");

/** The files of a place: a folder and what is below it, or one of the files at the top. */
const inside = (place) => `^src/${place.replace(".", "\\.")}${place.endsWith(".ts") ? "$" : "/"}`;

const placeRules = Object.entries(IMPORTS).map(([place, imports]) => ({
  name: `${place}-imports-what-its-line-says`,
  severity: "error",
  from: { path: inside(place) },
  to: { path: "^src/", pathNot: [place, ...imports].map(inside) },
}));

/** @param from the files that may import it; nobody else does */
const only = (name, from, to) => ({ name, severity: "error", from: { pathNot: from }, to });

module.exports = {
  forbidden: [
    ...placeRules,
    { name: "no-circle-of-files", severity: "error", from: {}, to: { circular: true } },
    only("one-module-runs-git", "^src/git/run/child\\.ts", { path: "simple-git" }),
    only(
      "nobody-else-starts-processes",
      "^src/git/run/child\\.ts|^src/git/starter/(process|started-git|main)\\.(ts|js)$|^src/machine/(processes|programs|sync|terminate)\\.ts|^(tools|test|bench)/",
      {
        path: "^(node:)?child_process$",
      },
    ),
    only(
      "octokit-and-probot-stay-outside",
      "^src/(index|cli/start|cli/register)\\.ts|^src/github/|^(tools|test|bench)/",
      { path: "node_modules/(probot|@octokit)/", pathNot: "node_modules/@octokit/webhooks/" },
    ),
    only("webhooks-are-of-the-table-of-events", "^src/deliveries/events\\.ts|^(tools|test|bench)/", {
      path: "node_modules/@octokit/webhooks/",
    }),
    {
      name: "src-imports-no-tools",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(tools|test|bench)/" },
    },
    {
      name: "tools-import-no-tests",
      severity: "error",
      from: { path: "^(tools|bench)/" },
      to: { path: "^test/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // The parser cannot be told of TSX: test/project/architecture.test.ts looks at what these files import.
    exclude: { path: "[.]tsx$" },
    // TypeScript 7 has no API for tools yet.
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
