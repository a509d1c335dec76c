import { serveEngine } from "./engine.js";
import { startWorker } from "./files.js";
import type { Endpoint } from "./protocol.js";

serveEngine(globalThis as unknown as Endpoint, {
  async startCryptoWorker(file, failed) {
    const worker = await startWorker(file);
    worker.onerror = (event) => failed(event.message || "A worker could not be started.");
    return worker;
  },
});
