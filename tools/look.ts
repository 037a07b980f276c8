import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "./package-root.js";

/** Takes what the page uses of GitHub's design tokens and icons: npm run look */
const root = packageRoot();
const require = createRequire(import.meta.url);
const folderOf = (name: string) => dirname(require.resolve(`${name}/package.json`));

const ICONS =
  "alert-fill check-circle-fill clock-fill cloud-offline copy dot-fill kebab-horizontal key link-external pause play pulse repo repo-clone repo-deleted search server shield-lock sign-out skip-fill stop sync trash webhook x-circle-fill".split(
    " ",
  );

/** The files that define tokens which are the same in light and dark. */
const PLAIN = ["typography/typography.css", "size/radius.css"];

/** Returns assets/tokens.css: the tokens that page.css uses, and those that these are made of. */
export function tokensCss(): string {
  const page = readFileSync(join(root, "assets/page.css"), "utf8");
  const folder = join(folderOf("@primer/primitives"), "dist/css/functional");
  const read = (file: string) => definitions(readFileSync(join(folder, file), "utf8"));
  const plain = new Map(PLAIN.flatMap((file) => [...read(file)]));
  const light = read("themes/light.css");
  const dark = read("themes/dark.css");
  const block = (known: Map<string, string>, indent: string) =>
    [...used(page, new Map([...plain, ...light]))]
      .filter((name) => known.has(name))
      .map((name) => `${indent}${name}: ${known.get(name)};\n`)
      .join("");
  return `/* Taken from @primer/primitives by npm run look. */
:root {
${block(plain, "  ")}${block(light, "  ")}}

@media (prefers-color-scheme: dark) {
  :root {
${block(dark, "    ")}  }
}
`;
}

/** Reads custom properties; the first definition of each counts, because what follows repeats it in a media query. */
function definitions(css: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name, value] of css.matchAll(/^\s+(--[\w-]+): ([^;]+);/gm))
    if (!found.has(name!)) found.set(name!, value!);
  return found;
}

function used(page: string, known: Map<string, string>): Set<string> {
  const found = new Set<string>();
  const visit = (text: string) => {
    for (const [, name] of text.matchAll(/var\((--[\w-]+)/g)) {
      if (found.has(name!) || !known.has(name!)) continue;
      visit(known.get(name!)!);
      found.add(name!);
    }
  };
  visit(page);
  return new Set([...found].sort());
}

/** Returns the outlines of the icons, 16 pixels wide and high. */
export function outlines(): Record<string, string> {
  const folder = join(folderOf("@primer/octicons"), "build/svg");
  const outlineOf = (name: string) => {
    const svg = readFileSync(join(folder, `${name}-16.svg`), "utf8");
    return [...svg.matchAll(/ d="([^"]+)"/g)].map(([, d]) => d!.replace(/^m/, "M")).join(" ");
  };
  return Object.fromEntries(ICONS.map((name) => [name, outlineOf(name)]));
}

/** Returns src/http/page/icons.ts. */
function iconsModule(): string {
  const lines = Object.entries(outlines()).map(
    ([name, d]) => `  ${/-/.test(name) ? `"${name}"` : name}:\n    "${d}",\n`,
  );
  return `/** Outlines of @primer/octicons, taken by npm run look. */
export const OUTLINES = {
${lines.join("")}} as const;
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(join(root, "assets/tokens.css"), tokensCss());
  writeFileSync(join(root, "src/http/page/icons.ts"), iconsModule());
}
