/* Three ways for a module that runs to its end to wait for WebCrypto, which does not. */
import { type Memory, settle, taskOf, type Waiter } from "./module.js";
import {
  FAILED,
  NOTHING,
  OPERATIONS,
  type Operation,
  type Outcome,
  type WebCryptoOperations,
} from "./operations.js";
import { PATIENCE, type Patience, SHARED, SILENT } from "./shared.js";
import type { Bridge } from "./types.js";

/* ---- JSPI: the engine suspends the module ---- */

interface Jspi {
  Suspending: new (f: (...args: number[]) => Promise<number>) => WebAssembly.ImportValue;
  promising: (f: unknown) => (...args: number[]) => Promise<number>;
}
const jspi = WebAssembly as unknown as Partial<Jspi>;

type Export = (...args: number[]) => number;

export class SuspendingWaiter implements Waiter {
  private readonly made = new Map<string, (...args: number[]) => Promise<number>>();
  constructor(private readonly crypto: WebCryptoOperations) {}

  imports(memory: Memory, operations: readonly Operation[]) {
    const one = (operation: Operation) =>
      new jspi.Suspending!(async (...args) => {
        const task = taskOf(memory, operation, args);
        return settle(memory, task, await this.crypto.perform(operation, task.which, task.inputs));
      });
    return Object.fromEntries(operations.map((name) => [name, one(name)]));
  }
  random(out: Uint8Array): void {
    draw(out);
  }
  call(instance: WebAssembly.Instance, name: string, args: readonly number[]): Promise<number> {
    let f = this.made.get(name);
    if (f === undefined) {
      f = jspi.promising!(instance.exports[name]);
      this.made.set(name, f);
    }
    return f(...args);
  }
}

/* ---- Shared memory: this thread sleeps while another asks WebCrypto ---- */

/** The other thread: serveShared() of crypto-worker.ts. */
export interface CryptoThread {
  attach(memory: SharedArrayBuffer): void;
}

export class SharedWaiter implements Waiter {
  private memory = new SharedArrayBuffer(1 << 16);
  private silent = false; // nothing is asked of a thread that did not answer once
  constructor(
    private readonly thread: CryptoThread,
    private readonly patience: Patience = PATIENCE,
  ) {
    thread.attach(this.memory);
  }

  private wait(words: Int32Array): void {
    const { times, ms } = this.patience;
    for (let n = 0; Atomics.load(words, SHARED.STATE) !== SHARED.ANSWERED; n++) {
      this.silent = n === times;
      if (this.silent) throw new Error(SILENT);
      Atomics.wait(words, SHARED.STATE, SHARED.ASKED, ms);
    }
  }

  private perform(operation: Operation, which: number, inputs: readonly Uint8Array[]): Outcome {
    if (this.silent) throw new Error(SILENT);
    const head = 4 * SHARED.WORDS;
    const size = inputs.reduce((n, input) => n + input.length, 0);
    if (head + size + 64 > this.memory.byteLength) {
      this.memory = new SharedArrayBuffer(2 * (head + size + 64));
      this.thread.attach(this.memory);
    }
    const words = new Int32Array(this.memory);
    const bytes = new Uint8Array(this.memory);
    words[SHARED.OPERATION] = OPERATIONS.indexOf(operation);
    words[SHARED.WHICH] = which;
    words[SHARED.COUNT] = inputs.length;
    let at = head;
    inputs.forEach((input, i) => {
      words[SHARED.SIZES + i] = input.length;
      bytes.set(input, at);
      at += input.length;
    });
    Atomics.store(words, SHARED.STATE, SHARED.ASKED);
    Atomics.notify(words, SHARED.STATE);
    this.wait(words);
    const data = bytes.slice(head, head + words[SHARED.SIZE]!);
    bytes.fill(0, head, Math.max(at, head + data.length)); // keys went through here
    Atomics.store(words, SHARED.STATE, SHARED.IDLE);
    return { result: words[SHARED.RESULT]!, data };
  }

  imports(memory: Memory, operations: readonly Operation[]) {
    const one =
      (operation: Operation) =>
      (...args: number[]) => {
        const task = taskOf(memory, operation, args);
        return settle(memory, task, this.perform(operation, task.which, task.inputs));
      };
    return Object.fromEntries(operations.map((name) => [name, one(name)]));
  }
  random(out: Uint8Array): void {
    draw(out);
  }
  call(instance: WebAssembly.Instance, name: string, args: readonly number[]): Promise<number> {
    return Promise.resolve((instance.exports[name] as Export)(...args));
  }
}

/* ---- Software: what JavaScript cannot do itself is asked of WebCrypto, and the call made anew ---- */

class Unknown extends Error {
  constructor(
    readonly operation: Operation,
    readonly which: number,
    readonly inputs: readonly Uint8Array[],
  ) {
    super("to be asked of WebCrypto");
  }
}

export type Software = (
  operation: Operation,
  which: number,
  inputs: readonly Uint8Array[],
) => Outcome | null;

/** A call that needs what is not known yet is cut off, memory and stack are put back to what they
 * were, and once WebCrypto has answered it is made again. What it was told before it is told again,
 * random numbers too, so that it takes the same way. */
export class ReplayingWaiter implements Waiter {
  private memory!: Memory;
  private tape: (Uint8Array | Outcome)[] = [];
  private at = 0;
  constructor(
    private readonly software: Software,
    private readonly crypto: WebCryptoOperations,
  ) {}

  private told<T extends Uint8Array | Outcome>(make: () => T): T {
    if (this.at === this.tape.length) this.tape.push(make());
    return this.tape[this.at++] as T;
  }

  imports(memory: Memory, operations: readonly Operation[]) {
    this.memory = memory;
    const one =
      (operation: Operation) =>
      (...args: number[]) => {
        const task = taskOf(memory, operation, args);
        const outcome = this.told((): Outcome => {
          const known = this.software(operation, task.which, task.inputs);
          if (known === null) throw new Unknown(operation, task.which, task.inputs);
          return known;
        });
        return settle(memory, task, outcome);
      };
    return Object.fromEntries(operations.map((name) => [name, one(name)]));
  }
  random(out: Uint8Array): void {
    out.set(
      this.told(() => {
        const fresh = new Uint8Array(out.length);
        draw(fresh);
        return fresh;
      }),
    );
  }
  async call(instance: WebAssembly.Instance, name: string, args: readonly number[]) {
    const stack = instance.exports["__stack_pointer"] as WebAssembly.Global<"i32">;
    const before = new Uint8Array(this.memory.buffer).slice();
    const top = stack.value;
    this.tape = [];
    try {
      for (;;) {
        this.at = 0;
        try {
          return (instance.exports[name] as Export)(...args);
        } catch (error) {
          if (!(error instanceof Unknown)) throw error;
          const { operation, which, inputs } = error;
          this.tape.push(await this.crypto.perform(operation, which, inputs));
          const now = new Uint8Array(this.memory.buffer);
          now.set(before);
          now.fill(0, before.length); // it may have grown
          stack.value = top;
        }
      }
    } finally {
      before.fill(0);
      this.tape = [];
      this.at = 0;
    }
  }
}

/* ---- Which ---- */

const DRAW_MOST = 65536; // what getRandomValues gives at once

function draw(out: Uint8Array): void {
  const fresh = new Uint8Array(Math.min(out.length, DRAW_MOST));
  for (let at = 0; at < out.length; at += DRAW_MOST) {
    const part = fresh.subarray(0, Math.min(DRAW_MOST, out.length - at));
    globalThis.crypto.getRandomValues(part);
    out.set(part, at);
  }
}

/** The best that this browser has (docs/BENCHMARKS.md, "Browser core"). WebCrypto must read private
 * keys without their public half, as MLS derives them; where it does not, JavaScript does. */
export async function bestBridge(crypto: WebCryptoOperations): Promise<Bridge> {
  const one = new Uint8Array(32);
  one[31] = 1;
  const outcome = await crypto.perform("dh_public", 0, [one]).catch(() => null);
  if (outcome === null || outcome.result === FAILED || outcome.data === NOTHING) return "software";
  if (jspi.Suspending !== undefined && jspi.promising !== undefined) return "jspi";
  if (globalThis.crossOriginIsolated === true && "waitAsync" in Atomics) return "shared";
  return "software";
}
