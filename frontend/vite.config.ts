import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const backend = process.env.KONTOR_BACKEND ?? "http://127.0.0.1:8000";

/**
 * What pdf.js fetches by name while it draws: character maps, the fonts a PDF may leave out, decoders of pictures.
 * Served by ourselves, under the version, since the names carry no hash.
 */
function pdfFiles(): Plugin {
  const home = new URL("./node_modules/pdfjs-dist/", import.meta.url);
  return {
    name: "kontor-pdf-files",
    apply: "build",
    generateBundle() {
      const { version } = JSON.parse(readFileSync(new URL("package.json", home), "utf8")) as { version: string };
      for (const folder of ["cmaps", "iccs", "standard_fonts", "wasm"]) {
        for (const name of readdirSync(new URL(folder, home))) {
          const source = readFileSync(new URL(`${folder}/${name}`, home));
          this.emitFile({ type: "asset", fileName: `assets/pdfjs-${version}/${folder}/${name}`, source });
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), pdfFiles()],
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
