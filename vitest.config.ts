import { defineConfig } from "vitest/config";

const engineTests = ["test/e2e/**", "test/embedded/**", "test/cli/**", "test/policies/crossguard.test.ts"];

export default defineConfig({
  test: {
    projects: [
      { test: { name: "plain", include: ["test/**/*.test.ts"], exclude: engineTests } },
      {
        test: {
          name: "engine",
          include: engineTests.map((pattern) => pattern.replace(/\*\*$/, "**/*.test.ts")),
          globalSetup: "test/support/globalSetup.ts",
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
