import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = process.env.KONTOR_BACKEND ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    manifest: true,
    // The policy allows fonts and styles from our own origin only, so nothing may become a data: address.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": backend,
      "/health": backend,
      "/ws": { target: backend, ws: true },
    },
  },
  test: {
    css: false,
    restoreMocks: true,
    unstubGlobals: true,
    // Two cores that do other work too are slow, not broken.
    testTimeout: 30_000,
    // In the check one: it has other work for the other cores, and one process loads everything once.
    maxWorkers: process.env.CI ? 1 : 2,
    // Loading what a screen stands on, and a document, anew for each file costs as much as all tests.
    isolate: false,
    projects: [
      // Making a document costs more than most tests of plain functions; the few that need one say so.
      { extends: true, test: { name: "functions", include: ["src/**/*.test.ts"], environment: "node" } },
      {
        extends: true,
        test: {
          name: "screens",
          include: ["src/**/*.test.tsx"],
          environment: "jsdom",
          setupFiles: ["src/shared/test/setup.ts"],
          // After the others: a process is kept only while the next file is of the same kind.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
