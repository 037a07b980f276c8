import { readFileSync } from "node:fs";
import type { Hono } from "hono";
import { markOf } from "./mark.js";

const TYPES = {
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;
type Name = keyof typeof TYPES;

/** As deep below the root in src/ as in lib/. */
const FOLDER = new URL("../../../assets/", import.meta.url);

const FILES = new Map(
  Object.entries(TYPES).map(([name, type]) => {
    const body = readFileSync(new URL(name, FOLDER), "utf8");
    return [name as Name, { body, type, path: `/assets/${markOf(body)}/${name}` }];
  }),
);

/** Where a file is served; another path after each change of it. */
export const assetPath = (name: Name): string => FILES.get(name)!.path;

/** Served to all: they hold nothing but how the page looks and behaves. */
export function addAssets(app: Hono): void {
  for (const { body, type, path } of FILES.values()) {
    app.get(path, (context) =>
      context.body(body, 200, {
        "content-type": type,
        "cache-control": "public, max-age=31536000, immutable",
      }),
    );
  }
}
