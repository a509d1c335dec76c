/* The thread that asks WebCrypto for one that sleeps meanwhile (bridge.ts, SharedWaiter). */
import { FAILED, NOTHING, OPERATIONS, WebCryptoOperations } from "./operations.js";
import { SHARED } from "./shared.js";

export type CryptoMessage =
  | { readonly memory: SharedArrayBuffer }
  | { readonly number: number; readonly key: CryptoKey | null };

interface Port {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

type WaitAsync = (
  words: Int32Array,
  at: number,
  value: number,
) => { async: boolean; value: Promise<string> | string };
const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync;

async function answer(crypto: WebCryptoOperations, memory: SharedArrayBuffer): Promise<void> {
  const words = new Int32Array(memory);
  const bytes = new Uint8Array(memory);
  const head = 4 * SHARED.WORDS;
  const inputs: Uint8Array[] = [];
  let at = head;
  for (let i = 0; i < words[SHARED.COUNT]!; i++) {
    const n = words[SHARED.SIZES + i]!;
    inputs.push(bytes.slice(at, at + n)); // WebCrypto takes no shared memory
    at += n;
  }
  const operation = OPERATIONS[words[SHARED.OPERATION]!]!;
  const outcome = await crypto
    .perform(operation, words[SHARED.WHICH]!, inputs)
    .catch(() => ({ result: FAILED, data: NOTHING }));
  words[SHARED.RESULT] = outcome.result;
  words[SHARED.SIZE] = outcome.data.length;
  bytes.set(outcome.data, head);
  Atomics.store(words, SHARED.STATE, SHARED.ANSWERED);
  Atomics.notify(words, SHARED.STATE);
}

export function serveShared(port: Port): void {
  const crypto = new WebCryptoOperations();
  let current: SharedArrayBuffer | null = null;

  async function serve(memory: SharedArrayBuffer): Promise<void> {
    const words = new Int32Array(memory);
    while (current === memory) {
      const state = Atomics.load(words, SHARED.STATE);
      if (state === SHARED.ASKED) {
        await answer(crypto, memory);
      } else {
        const wait = waitAsync(words, SHARED.STATE, state);
        if (wait.async) await wait.value;
      }
    }
  }

  port.onmessage = (event: MessageEvent) => {
    const message = event.data as CryptoMessage;
    if ("memory" in message) {
      current = message.memory;
      void serve(message.memory);
    } else {
      crypto.setKey(message.number, message.key);
      port.postMessage(message.number);
    }
  };
}

declare const WorkerGlobalScope: (new () => object) | undefined;
if (typeof WorkerGlobalScope !== "undefined" && globalThis instanceof WorkerGlobalScope)
  serveShared(globalThis as unknown as Port);
