import { serveEngine } from "./engine.js";
import type { Endpoint } from "./protocol.js";

serveEngine(globalThis as unknown as Endpoint, {
  startCryptoWorker(url, failed) {
    const worker = new Worker(url, { type: "module" });
    worker.onerror = (event) => failed(event.message || "A worker could not be started.");
    return worker;
  },
});
