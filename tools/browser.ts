import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/** @throws Error naming what to install */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string {
  const folders = (env.PATH ?? "").split(":").filter(Boolean);
  const places = env.CHROMIUM ? [env.CHROMIUM] : folders.flatMap((dir) => PLACES.map((it) => `${dir}/${it}`));
  const found = places.find(isProgram);
  if (found) return found;
  throw new Error(
    "no Chromium here, which the tests of the page need: npm run test:setup (Debian: the package chromium), or name one in CHROMIUM",
  );
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a headless Chromium that makes no network calls of its own. */
export function launchBrowser(): Promise<Browser> {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
  // A container's root has no sandbox to offer; all that is opened is on loopback.
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...quiet];
  return chromium.launch({ executablePath: findBrowser(), args });
}
