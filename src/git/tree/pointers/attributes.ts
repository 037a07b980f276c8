export const isAttributes = (path: string): boolean => /(?:^"?|\/)\.gitattributes"?$/.test(path);

/** Adds every .gitattributes: the files that say how the paths are converted may be above the paths. */
export const withAttributes = (paths: string[]): string[] => [
  ...new Set([...paths, ...paths.flatMap(attributesAbove)]),
];

const attributesAbove = (path: string): string[] =>
  path.split("/").map((_, n, parts) => [...parts.slice(0, n), ".gitattributes"].join("/"));
