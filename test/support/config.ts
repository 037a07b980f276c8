import { generateKeyPairSync } from "node:crypto";
import { type Config, loadConfig } from "../../src/config/load.js";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A complete configuration, for an App that GitHub does not know. */
export const configOf = (dataDir: string, env: Record<string, string> = {}): Config =>
  loadConfig({
    APP_ID: "1",
    PRIVATE_KEY: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    PATH: process.env.PATH,
    DATA_DIR: dataDir,
    ...env,
  });

export const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} };
