// The JavaScript of the first screen of someone who is signed in: entry, frame and start page with all they import.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 250;
const roots = ["index.html", "src/app/frame/Frame.tsx", "src/features/start/StartScreen.tsx"];

const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));
const files = new Set();
const collect = (key) => {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`The build has no chunk for ${key}.`);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const next of chunk.imports ?? []) collect(next);
};
for (const root of roots) collect(root);

const sizes = [...files]
  .filter((file) => file.endsWith(".js"))
  .map((file) => ({ file, kilobytes: gzipSync(readFileSync(`dist/${file}`)).length / 1000 }))
  .sort((a, b) => b.kilobytes - a.kilobytes);
const total = sizes.reduce((sum, { kilobytes }) => sum + kilobytes, 0);
for (const { file, kilobytes } of sizes) console.log(`${kilobytes.toFixed(1).padStart(7)} kB  ${file}`);
console.log(`${total.toFixed(1).padStart(7)} kB  initial JavaScript, gzip; the limit is ${LIMIT_KB} kB`);
if (total > LIMIT_KB) process.exitCode = 1;
