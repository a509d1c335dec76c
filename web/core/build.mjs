// After tsc: the workers, each with all that it imports, since a worker has no import map; and the
// module beside them. In dist/ for the package, and in build/web-core for the app of this project.
import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const wasm = process.env.CONCLAVE_WASM ?? here("../../build/wasm/conclave.wasm");

for (const out of [here("dist"), here("../../build/web-core")]) {
  await mkdir(out, { recursive: true });
  await build({
    entryPoints: ["core-worker", "crypto-worker", "frames-worker"].map((f) => here(`src/${f}.ts`)),
    outdir: out,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
  await copyFile(wasm, `${out}/conclave.wasm`);
}
