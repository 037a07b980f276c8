import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/seed.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Real git and real servers share two cores on a small CI machine.
    maxWorkers: 2,
    reporters: ["default"],
  },
});
