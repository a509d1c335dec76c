import { serveEngine } from "./engine.js";
import type { Endpoint } from "./protocol.js";

serveEngine(globalThis as unknown as Endpoint, {
  startCryptoWorker: (url) => new Worker(url, { type: "module" }),
});
