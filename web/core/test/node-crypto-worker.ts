import { parentPort } from "node:worker_threads";

import { serveShared } from "../src/crypto-worker.js";

const port = {
  postMessage: (message: unknown) => parentPort!.postMessage(message),
  onmessage: null as ((event: MessageEvent) => void) | null,
};
parentPort!.on("message", (data: unknown) => port.onmessage?.({ data } as MessageEvent));
serveShared(port);
