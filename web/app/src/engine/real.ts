/* The engine that is shipped: the core in WebAssembly, media through the browser's WebRTC. */
import { type CoreFile, loadCore } from "../../../core/src/index";
import type { Engine } from "./engine";
import { openLine } from "./line";

/** The files of the core, by name: as the build put them out. */
declare const CORE_FILES: Readonly<Record<string, { path: string; integrity: string }>>;

const file = (name: string): CoreFile => {
  const found = CORE_FILES[name];
  if (found === undefined) throw new Error(`The build lacks ${name}.`);
  return { url: new URL(found.path, location.origin), integrity: found.integrity };
};

export const engine: Engine = {
  loadCore: () =>
    loadCore({
      wasm: file("conclave.wasm"),
      workers: {
        core: file("core-worker.js"),
        crypto: file("crypto-worker.js"),
        frames: file("frames-worker.js"),
      },
    }),
  openLine,
};
