/** Whether the path, a path below it or a directory above it is published. */
export const isWanted = (path: string, paths: readonly string[]): boolean =>
  paths.length === 0 || paths.some((one) => `${one}/`.startsWith(`${path}/`) || path.startsWith(`${one}/`));

/** Translates the paths for a submodule at `prefix`; null when nothing in the submodule is published. */
export function pathsBelow(prefix: string, paths: readonly string[]): string[] | null {
  if (paths.length === 0 || paths.some((path) => prefix.startsWith(`${path}/`))) return [];
  const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return below.length > 0 ? below : null;
}
