import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { TIERS } from "./test/support/tiers.js";

const NAMES = Object.keys(TIERS);

class TierByTier extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification) => NAMES.indexOf(project.name);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const shared = { setupFiles: ["test/support/seed.ts"], hookTimeout: 180_000 };

export default defineConfig({
  test: {
    globalSetup: [
      "test/support/temp-in-memory.ts",
      "test/support/examples.ts",
      "test/support/stuck-files.ts",
    ],
    // Real git and real servers share two cores on a small CI machine. Tests wait for them two fifths of the time, so that
    // a third file has room.
    maxWorkers: 3,
    sequence: { sequencer: TierByTier },
    reporters: ["default"],
    projects: Object.entries(TIERS).map(([name, tier]) => ({ test: { ...shared, name, ...tier } })),
  },
});
