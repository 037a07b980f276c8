import { readFileSync } from "node:fs";
import type { Hono } from "hono";
import { markOf } from "./mark.js";

const TYPES = {
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;
type Name = keyof typeof TYPES;

/** The path is valid from src/ and lib/, which have the same depth. */
const FOLDER = new URL("../../../assets/", import.meta.url);

const FILES = new Map(
  Object.entries(TYPES).map(([name, type]) => {
    const body = readFileSync(new URL(name, FOLDER), "utf8");
    return [name as Name, { body, type, path: `/assets/${markOf(body)}/${name}` }];
  }),
);

/** The URL of an asset, which changes whenever the file does. */
export const assetPath = (name: Name): string => FILES.get(name)!.path;

/** Served without a session, because assets contain no data. */
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
