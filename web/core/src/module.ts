/* The WebAssembly module: its memory, its imports, and calls of its exports. */
import { hmac } from "@noble/hashes/hmac.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

import {
  DONE,
  FAILED,
  OPERATIONS,
  type Operation,
  type Outcome,
} from "./operations.js";
import { ConclaveError } from "./types.js";
import { concat, Reader } from "./wire.js";

/* enum crypto_hash_id. Hashes are done here: they are over before a message could reach WebCrypto,
 * and do the same whatever they are given, so that their time tells nothing. */
const HASHES = [sha256, sha384, sha512] as const;

/** How the primitives that WebCrypto has are waited for. */
export interface Waiter {
  /** Makes the imports of these names. */
  imports(
    memory: Memory,
    operations: readonly Operation[],
  ): Record<string, WebAssembly.ImportValue>;
  /** Random bytes, which a repeated call must get again. */
  random(out: Uint8Array): void;
  /** Calls an export, once the one before is over. */
  call(instance: WebAssembly.Instance, name: string, args: readonly number[]): Promise<number>;
}

/** Views that stay right when the memory grows. */
export class Memory {
  private memory: WebAssembly.Memory | null = null;

  attach(instance: WebAssembly.Instance): void {
    this.memory = instance.exports["memory"] as WebAssembly.Memory;
  }
  get buffer(): ArrayBuffer {
    return this.memory!.buffer as ArrayBuffer;
  }
  grow(pages: number): void {
    this.memory!.grow(pages);
  }
  view(p: number, n: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, p >>> 0, n >>> 0);
  }
  /** struct bytes[n] of import.h. */
  parts(p: number, n: number): Uint8Array<ArrayBuffer>[] {
    const words = new Uint32Array(this.buffer, p >>> 0, 2 * n);
    return Array.from({ length: n }, (_, i) => this.view(words[2 * i]!, words[2 * i + 1]!));
  }
}

/* Of an import's arguments: what is to be done, on copies, and where its result goes. */
interface Task {
  readonly which: number;
  readonly inputs: readonly Uint8Array[];
  readonly out: number; // 0: nowhere
}

export function taskOf(memory: Memory, operation: Operation, args: readonly number[]): Task {
  const [a, b, c, d] = args as [number, number, number, number];
  const copies = (p: number, n: number) => memory.parts(p, n).map((part) => part.slice());
  switch (operation) {
    case "gcm_seal":
    case "gcm_open":
      return { which: 0, inputs: copies(a, 4), out: b };
    case "dh_public":
      return { which: a, inputs: copies(b, 1), out: c };
    case "dh":
      return { which: a, inputs: copies(b, 2), out: c };
    case "dh_check":
      return { which: a, inputs: copies(b, 1), out: 0 };
    case "verify":
      return { which: a, inputs: [...copies(b, 2), concat(...memory.parts(c, d))], out: 0 };
    case "spki_verify":
      return { which: a | (b << 8), inputs: copies(c, 3), out: 0 };
    case "sign":
      return { which: a, inputs: [concat(...memory.parts(b, c))], out: d };
  }
}

/** Writes what came of it, and says so. */
export function settle(memory: Memory, task: Task, outcome: Outcome): number {
  if (outcome.result === DONE && task.out !== 0)
    memory.view(task.out, outcome.data.length).set(outcome.data);
  return outcome.result;
}

export interface Result {
  readonly value: number;
  readonly answer: Uint8Array<ArrayBuffer>;
}

export class Module {
  private readonly memory = new Memory();
  private instance!: WebAssembly.Instance;
  private answer = 0;
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly waiter: Waiter) {}

  static async load(module: WebAssembly.Module, waiter: Waiter): Promise<Module> {
    const m = new Module(waiter);
    const imports = { ...m.plainImports(), ...waiter.imports(m.memory, OPERATIONS) };
    m.instance = await WebAssembly.instantiate(module, { conclave: imports });
    m.memory.attach(m.instance);
    (m.instance.exports["_initialize"] as () => void)();
    m.answer = m.plain("answer_new");
    return m;
  }

  private plainImports(): Record<string, WebAssembly.ImportValue> {
    const memory = this.memory;
    return {
      random: (p: number, n: number) => {
        this.waiter.random(memory.view(p, n));
        return DONE;
      },
      hash: (hash: number, p: number, n: number, out: number) => {
        const h = HASHES[hash]!.create();
        for (const part of memory.parts(p, n)) h.update(part);
        memory.view(out, h.outputLen).set(h.digest());
        return DONE;
      },
      hmac: (hash: number, key: number, p: number, n: number, out: number) => {
        const h = hmac.create(HASHES[hash]!, memory.parts(key, 1)[0]!);
        for (const part of memory.parts(p, n)) h.update(part);
        memory.view(out, h.outputLen).set(h.digest());
        return DONE;
      },
      scrypt: (p: number, N: number, r: number, parallel: number, out: number, n: number) => {
        const [secret, salt] = memory.parts(p, 2);
        try {
          memory.view(out, n).set(scrypt(secret!, salt!, { N, r, p: parallel, dkLen: n }));
          return DONE;
        } catch {
          return FAILED;
        }
      },
    };
  }

  /** An export that waits for nothing. */
  private plain(name: string, ...args: number[]): number {
    return (this.instance.exports[name] as (...a: number[]) => number)(...args);
  }

  private put(data: Uint8Array): number {
    const p = this.plain("memory_new", data.length);
    if (p === 0) throw new ConclaveError("ENOMEM", "Memory is short.");
    this.memory.view(p, data.length).set(data);
    return p;
  }

  /** The answer's bytes, copied; the module forgets them. */
  private take(): Uint8Array<ArrayBuffer> {
    const data = this.memory.parts(this.answer, 1)[0]!.slice();
    this.plain("answer_clear", this.answer);
    return data;
  }

  fail(error: number): ConclaveError {
    this.plain("answer_clear", this.answer);
    this.plain("error_words", error, this.answer);
    const r = new Reader(this.take());
    return new ConclaveError(r.text(), r.text());
  }

  /** One after another: the module is not made to be entered twice. Within its turn, `work` may
   * enter() it as often as it likes, and must await each. */
  turn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /** Calls `name(...before, data, size, ...after, answer)`; `data` null: without these two, and
   * `answers` false: without the last. Negative results are errors. */
  async enter(
    name: string,
    before: readonly number[],
    data: Uint8Array | null,
    after: readonly number[] = [],
    answers = true,
  ): Promise<Result> {
    const p = data === null ? 0 : this.put(data);
    const middle = data === null ? [] : [p, data.length];
    const args = [...before, ...middle, ...after, ...(answers ? [this.answer] : [])];
    try {
      return this.result(await this.waiter.call(this.instance, name, args), answers);
    } finally {
      if (data !== null) this.plain("memory_free", p, data.length);
    }
  }

  private result(value: number, answers: boolean): Result {
    if (value <= -100) throw this.fail(value);
    return { value, answer: answers ? this.take() : new Uint8Array(0) };
  }

  /** enter() in a turn of its own. */
  call(
    name: string,
    before: readonly number[],
    data: Uint8Array | null,
    after: readonly number[] = [],
    answers = true,
  ): Promise<Result> {
    return this.turn(() => this.enter(name, before, data, after, answers));
  }

  /** The same at once, for exports that never need WebCrypto, when no turn is under way. */
  callNow(
    name: string,
    before: readonly number[],
    data: Uint8Array | null,
    after: readonly number[] = [],
    answers = true,
  ): Result {
    const p = data === null ? 0 : this.put(data);
    const middle = data === null ? [] : [p, data.length];
    const args = [...before, ...middle, ...after, ...(answers ? [this.answer] : [])];
    try {
      return this.result(this.plain(name, ...args), answers);
    } finally {
      if (data !== null) this.plain("memory_free", p, data.length);
    }
  }
}
