/* Builds the app: one page, one script, one style sheet, the core and its workers, each under a name
 * that bears the hash of its content, and a manifest of all hashes.
 *
 *     node build.mjs [--out FOLDER] [--wasm FILE] [--scripted]
 *
 * FOLDER is build/web of the project; the core is build/wasm/conclave.wasm, by tools/build-wasm.sh.
 * --scripted puts a scripted meeting in the place of the core, for tests and screenshots: it is never
 * written where conclaved looks for the app. The same sources give the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const FIRST_LOAD_LIMIT = 400_000; // bytes, compressed, of everything a first visit fetches
const PACKED = new Set([".html", ".js", ".css", ".json", ".svg", ".wasm", ".webmanifest"]);

const { values: options } = parseArgs({
  options: {
    out: { type: "string" },
    wasm: { type: "string", default: join(root, "build/wasm/conclave.wasm") },
    scripted: { type: "boolean", default: false },
  },
});
const shipped = join(root, "build/web");
const out = resolve(options.out ?? (options.scripted ? join(root, "build/web-scripted") : shipped));
if (options.scripted && (out === shipped || basename(out) === "web"))
  throw new Error("A scripted meeting is for tests alone: give another folder with --out.");

const digest = (data, algorithm = "sha384") => createHash(algorithm).update(data).digest();
const integrity = (data) => `sha384-${digest(data).toString("base64")}`;

/* ---- Files that are put out, by the name under which they are asked for ---- */

const files = new Map();

function putAsset(name, data) {
  const ending = extname(name);
  const hash = digest(data, "sha256").toString("hex").slice(0, 16);
  const path = `/assets/${basename(name, ending)}-${hash}${ending}`;
  files.set(path, Buffer.from(data));
  return path;
}

/* ---- Scripts and styles ---- */

const engine = join(here, options.scripted ? "test/scripted/engine.ts" : "src/engine/real.ts");

async function bundle(entry, define = {}) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: "out",
    format: "esm",
    target: ["es2022"],
    minify: true,
    charset: "utf8",
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
    alias: { "#engine": engine, "@conclave/core": join(root, "web/core/src/index.ts") },
    nodePaths: [join(here, "node_modules")],
    define,
    logLevel: "warning",
  });
  const of = (ending) => result.outputFiles.find((f) => f.path.endsWith(ending))?.contents;
  return { script: of(".js"), style: of(".css") };
}

/* The core: WebAssembly and workers, of which the app is told where and what they are. */
async function putCore() {
  if (options.scripted) return {};
  const made = { "conclave.wasm": await readFile(options.wasm) };
  for (const name of ["core-worker", "crypto-worker", "frames-worker"])
    made[`${name}.js`] = (await bundle(join(here, `src/engine/${name}.ts`))).script;
  const entries = Object.entries(made).map(([name, data]) => [
    name,
    { path: putAsset(name, data), integrity: integrity(data) },
  ]);
  return Object.fromEntries(entries);
}

/* ---- The page ---- */

async function putPage(script, style, icon) {
  const template = await readFile(join(here, "src/index.html"), "utf8");
  const values = {
    SCRIPT: script,
    SCRIPT_INTEGRITY: integrity(files.get(script)),
    STYLE: style,
    STYLE_INTEGRITY: integrity(files.get(style)),
    ICON: icon,
  };
  files.set(
    "/index.html",
    Buffer.from(template.replace(/%([A-Z_]+)%/g, (_, name) => values[name])),
  );
}

/* What a server of these sources gives out: to be compared by whoever wants to. */
function putManifest() {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const list = entries.map(([path, data]) => [
    path,
    { integrity: integrity(data), bytes: data.length },
  ]);
  const manifest = { version: 1, scripted: options.scripted || undefined, files: undefined };
  manifest.files = Object.fromEntries(list);
  files.set("/manifest.json", Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`));
}

async function write() {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, "assets"), { recursive: true });
  let first = 0;
  for (const [path, data] of files) {
    const packed = PACKED.has(extname(path)) ? gzipSync(data, { level: 9 }) : null;
    await writeFile(join(out, path), data);
    if (packed !== null) await writeFile(join(out, `${path}.gz`), packed);
    if (path !== "/manifest.json") first += packed?.length ?? data.length;
  }
  return first;
}

const core = await putCore();
const { script, style } = await bundle(join(here, "src/main.tsx"), {
  CORE_FILES: JSON.stringify(core),
});
const icon = putAsset("icon.svg", await readFile(join(here, "src/icon.svg")));
await putPage(putAsset("app.js", script), putAsset("app.css", style), icon);
putManifest();
const first = await write();
console.log(`${out}: ${files.size} files, ${(first / 1000).toFixed(0)} kB to fetch at first.`);
if (first > FIRST_LOAD_LIMIT) throw new Error(`That is over the limit of ${FIRST_LOAD_LIMIT} B.`);
