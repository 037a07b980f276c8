import { readFileSync } from "node:fs";
import type { Hono } from "hono";
import { markOf } from "./mark.js";

const TYPES = {
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "icon-busy.svg": "image/svg+xml",
  "icon-warn.svg": "image/svg+xml",
  "icon-bad.svg": "image/svg+xml",
  "icon-gone.svg": "image/svg+xml",
} as const;
type Name = keyof typeof TYPES;

/** The path is valid from src/ and lib/, which have the same depth. */
const FOLDER = new URL("../../../assets/", import.meta.url);

const read = (name: string): string => readFileSync(new URL(name, FOLDER), "utf8");

/** The icon of a tab has a dot while not all is well, in a colour of its own. @param x, y which corner it is in */
const withDot = (colour: string, x: number, y: number): string =>
  read("icon.svg").replace(
    "</svg>",
    `<circle cx="${x}" cy="${y}" r="8" fill="${colour}" stroke="#fff" stroke-width="2"/></svg>`,
  );

const BODIES: Record<Name, string> = {
  "page.css": read("tokens.css") + read("page.css"),
  "page.js": read("page.js"),
  "icon.svg": read("icon.svg"),
  "icon-busy.svg": withDot("#54aeff", 8, 24),
  "icon-warn.svg": withDot("#bf8700", 24, 24),
  "icon-bad.svg": withDot("#cf222e", 24, 24),
  "icon-gone.svg": withDot("#6e7781", 24, 8),
};

const FILES = new Map(
  Object.entries(TYPES).map(([name, type]) => {
    const body = BODIES[name as Name];
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
