import { onTestFinished } from "vitest";
import type { RepositoryName } from "../../src/base/model.js";
import { INSTALLATION_TABLES } from "../../src/registry/installations.js";
import { createRegistry } from "../../src/registry/repositories.js";
import { REGISTRY_TABLES } from "../../src/registry/tables.js";
import { openStore, type Tables } from "../../src/store/database.js";
import { tempDir } from "./temp.js";

/** A real registry on a real file. @param tables additional tables */
export function openRegistry(...tables: Tables[]) {
  const store = openStore(tempDir(), [REGISTRY_TABLES, INSTALLATION_TABLES, ...tables]);
  onTestFinished(() => store.close());
  const registry = createRegistry(store);
  const add = (id: number, name: RepositoryName, installationId = 1) => {
    registry.confirm(
      {
        id,
        installationId,
        ...name,
        defaultBranch: "main",
        pushedAt: 1,
        visibility: "private",
        archived: false,
      },
      1,
      1,
    );
  };
  return { store, registry, add };
}
