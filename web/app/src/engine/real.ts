/* The engine that is shipped: the core in WebAssembly, media through the browser's WebRTC. */
import { loadCore } from "../../../core/src/index";
import { coreFiles } from "../trusted";
import type { Engine } from "./engine";
import { openLine } from "./line";

const file = (name: string): string => {
  const path = coreFiles[name];
  if (path === undefined) throw new Error(`The build lacks ${name}.`);
  return new URL(path, location.origin).href;
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
