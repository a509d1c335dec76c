/* The engine: modules and their meetings, in a worker. It keeps their time; sockets and storage are
 * the page's. */
import { bestBridge, ReplayingWaiter, SharedWaiter, SuspendingWaiter } from "./bridge.js";
import type { CryptoMessage } from "./crypto-worker.js";
import type { Located } from "./files.js";
import type { EpochMessage, RunMessage } from "./frame-crypt.js";
import { Module, type Waiter } from "./module.js";
import { WebCryptoOperations } from "./operations.js";
import type {
  Answer,
  Effect,
  Endpoint,
  Numbered,
  OpenRequest,
  Reply,
  Request,
  Told,
  View,
} from "./protocol.js";
import { readEffects, readView } from "./read.js";
import { PATIENCE, type Patience, SILENT } from "./shared.js";
import { type Bridge, ConclaveError } from "./types.js";
import { Reader, Writer } from "./wire.js";

const SUITE = 2; // CRYPTO_P256_AES128GCM_SHA256_P256: every meeting's
const TIMER_MOST = 0x7fffffff;
/* enum identity_purpose */
const PURPOSES = { public: 2, private: 3 } as const;

/** Where the engine runs: a browser's worker, or Node. */
export interface Surroundings {
  /** `failed` is called if it turns out that it cannot be started. */
  startCryptoWorker(file: Located, failed: (text: string) => void): Promise<Endpoint>;
  readonly patience?: Patience; // with it; default: PATIENCE
}

/** Microseconds matter little, but time must not go back (participant.h). */
let latest = 0;
function now(): number {
  latest = Math.max(latest, performance.timeOrigin + performance.now());
  return latest;
}

/* ---- Signature keys ---- */

/** Keys go where they sign: into this thread's WebCrypto, or the other one's. */
class KeyRing {
  private last = 0;
  private failure: Error | null = null;
  private readonly waiting = new Map<number, { taken(): void; failed(error: Error): void }>();
  constructor(
    private readonly crypto: WebCryptoOperations,
    private readonly thread: Endpoint | null,
    private readonly patience: Patience,
  ) {
    if (thread !== null)
      thread.onmessage = (event) => this.waiting.get(event.data as number)?.taken();
  }

  /** The other thread is not there: no key is ever taken. */
  fail(text: string): void {
    this.failure ??= new Error(text);
    for (const one of this.waiting.values()) one.failed(this.failure);
  }

  private async give(thread: Endpoint, number: number, key: CryptoKey): Promise<void> {
    if (this.failure !== null) throw this.failure;
    const timer = setTimeout(() => this.fail(SILENT), this.patience.times * this.patience.ms);
    try {
      await new Promise<void>((taken, failed) => {
        this.waiting.set(number, { taken, failed });
        thread.postMessage({ number, key } satisfies CryptoMessage);
      });
    } finally {
      clearTimeout(timer);
      this.waiting.delete(number);
    }
  }

  async add(key: CryptoKey): Promise<number> {
    const number = ++this.last;
    if (this.thread === null) this.crypto.setKey(number, key);
    else await this.give(this.thread, number, key);
    return number;
  }
  remove(number: number): void {
    if (this.thread === null) this.crypto.setKey(number, null);
    else this.thread.postMessage({ number, key: null } satisfies CryptoMessage);
  }
}

/** As wasm_read_signer() reads it. */
async function writeSigner(w: Writer, key: CryptoKeyPair, number: number): Promise<void> {
  const point = await crypto.subtle.exportKey("raw", key.publicKey);
  w.u16(SUITE).vector(new Uint8Array(point)).u32(number);
}

/* ---- One meeting ---- */

const CHANGES_VIEW = new Set([
  "phase",
  "card",
  "roster",
  "joined",
  "gone",
  "lobby",
  "code",
  "state",
  "hand",
]);

class Room {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private removed: number[] = [];
  private port: MessagePort | null = null;
  private freed = false;
  private broken: string | null = null; // a module that was cut off in a call is not entered again
  constructor(
    private readonly number: number,
    private readonly module: Module,
    private readonly address: number,
    readonly key: number,
    private readonly tell: (told: Told) => void,
  ) {}

  /** Does something that may have effects, and tells them. */
  step(
    name: string,
    data: Uint8Array | null,
    before: readonly number[] = [],
    after: readonly number[] = [],
    answers = false,
  ): Promise<Uint8Array> {
    return this.turn(async () => {
      const all = [this.address, ...before];
      return (await this.module.enter(name, all, data, [...after, now()], answers)).answer;
    });
  }

  /** Effects of what is done are collected also if it failed, unless the module itself did. */
  private turn(work: () => Promise<Uint8Array>): Promise<Uint8Array> {
    return this.module.turn(async () => {
      this.checkAlive();
      try {
        let failure: unknown = null;
        const answer = await work().catch((error: unknown) => {
          failure = error;
          return null;
        });
        if (failure !== null && !(failure instanceof ConclaveError)) throw failure;
        await this.collect();
        if (answer === null) throw failure;
        return answer;
      } catch (error) {
        if (!(error instanceof ConclaveError)) this.breakDown(error);
        throw error;
      }
    });
  }

  private checkAlive(): void {
    if (this.freed) throw new ConclaveError("ESTATE", "The meeting was closed.");
    if (this.broken !== null) throw new ConclaveError("EINTERNAL", this.broken);
  }

  /** What is to be done from the start on. */
  begin(): void {
    this.turn(async () => new Uint8Array(0)).catch(() => undefined); // told by breakDown()
  }

  /** Tells what is to be done and known now, and sets the time to wake up. In a turn: names are
   * opened for the view, which takes WebCrypto. */
  private async collect(): Promise<void> {
    const { answer } = await this.module.enter("meeting_effects", [this.address], null);
    const effects = readEffects(answer);
    let view: View | null = null;
    if (effects.some((e) => e.kind === "event" && CHANGES_VIEW.has(e.event.type)))
      view = readView((await this.module.enter("meeting_view", [this.address], null)).answer);
    for (const e of effects)
      if (e.kind === "event" && e.event.type === "gone") this.removed.push(e.event.leaf);
    if (effects.some((e) => e.kind === "event" && e.event.type === "code"))
      await this.giveFrameKey();
    const told = effects.map((e): Effect =>
      e.kind === "event" && e.event.type === "phase" && view !== null
        ? { kind: "event", event: { ...e.event, phase: view.phase } }
        : e,
    );
    if (told.length > 0) this.tell({ meeting: this.number, effects: told, view, broken: null });
    this.wake();
  }

  private wake(): void {
    clearTimeout(this.timer);
    const { value } = this.module.callNow("meeting_deadline", [this.address], null, [], false);
    if (value < 0) return;
    const wait = Math.min(Math.max(0, Math.ceil(value - now())), TIMER_MOST);
    this.timer = setTimeout(() => {
      this.step("meeting_tick", null).catch(() => undefined); // told by breakDown()
    }, wait);
  }

  private breakDown(error: unknown): void {
    clearTimeout(this.timer);
    this.broken = error instanceof Error ? error.message : String(error);
    this.tell({ meeting: this.number, effects: [], view: null, broken: this.broken });
  }

  async ask(name: string, before: readonly number[] = [], data: Uint8Array | null = null) {
    this.checkAlive();
    return (await this.module.call(name, [this.address, ...before], data)).answer;
  }

  /** To the frames' worker: from now on it gets the key of each epoch. */
  async setPort(port: MessagePort): Promise<void> {
    this.port = port;
    await this.turn(async () => {
      await this.giveFrameKey();
      return new Uint8Array(0);
    });
  }

  /** At once, in the turn in which the epoch began: what others seal with it is on its way. */
  private async giveFrameKey(): Promise<void> {
    if (this.port === null) return;
    try {
      const { answer: key } = await this.module.enter("meeting_frame_key", [this.address], null);
      const epoch = new Reader(key).u64();
      this.port.postMessage({ epoch, key, removed: this.removed.splice(0) } satisfies EpochMessage);
      key.fill(0);
    } catch (error) {
      /* Not in the meeting: not yet, or no more. */
      if (!(error instanceof ConclaveError && error.code === "ESTATE")) throw error;
    }
  }

  /** Behind that, on the same way. */
  giveRun(epoch: number, run: number): void {
    this.port?.postMessage({ epoch, run } satisfies RunMessage);
  }

  free(): void {
    if (this.freed) return;
    this.freed = true;
    clearTimeout(this.timer);
    this.port?.close();
    if (this.broken !== null) return;
    void this.module
      .call("meeting_free", [this.address], null, [], false)
      .catch(() => undefined); // broken before
  }
}

/* ---- All ---- */

class Engine {
  private readonly crypto = new WebCryptoOperations();
  private readonly rooms = new Map<number, Room>();
  private module!: WebAssembly.Module;
  private makeWaiter!: () => Waiter;
  private keys!: KeyRing;
  private tools!: Module;

  constructor(
    private readonly page: Endpoint,
    private readonly surroundings: Surroundings,
  ) {}

  private async load(request: Request & { op: "load" }): Promise<Bridge> {
    const { wasm } = request;
    this.module =
      typeof wasm === "string" ? await WebAssembly.compileStreaming(fetch(wasm)) : wasm;
    const bridge = request.bridge ?? (await bestBridge(this.crypto));
    const patience = this.surroundings.patience ?? PATIENCE;
    let thread: Endpoint | null = null;
    if (bridge === "jspi") {
      this.makeWaiter = () => new SuspendingWaiter(this.crypto);
    } else if (bridge === "shared") {
      const failed = (text: string) => this.keys.fail(text);
      const worker = await this.surroundings.startCryptoWorker(request.cryptoWorker, failed);
      const attach = (memory: SharedArrayBuffer) =>
        worker.postMessage({ memory } satisfies CryptoMessage);
      thread = worker;
      /* A thread serves one memory; calls of all modules follow one another in this one. */
      const waiter = new SharedWaiter({ attach }, patience);
      this.makeWaiter = () => waiter;
    } else {
      const { performSoftware } = await import("./software.js");
      this.makeWaiter = () => new ReplayingWaiter(performSoftware, this.crypto);
    }
    this.keys = new KeyRing(this.crypto, thread, patience);
    this.tools = await Module.load(this.module, this.makeWaiter());
    return bridge;
  }

  private async open(meeting: number, from: OpenRequest): Promise<boolean> {
    const number = await this.keys.add(from.key.privateKey);
    try {
      const w = new Writer().text(from.link).text(from.name);
      await writeSigner(w, from.key, number);
      w.list(from.chain, (x, certificate) => x.vector(certificate)).vector(from.root);
      w.list(from.anchors, (x, anchor) =>
        x
          .u8(PURPOSES[anchor.purpose])
          .text(anchor.pem)
          .list(anchor.domains ?? [], (y, domain) => y.text(domain)),
      );
      w.vector(from.saveKey);
      const begin = w.bytes();
      const { module, address, resumed } = await this.begin(begin, from);
      begin.fill(0);
      const room = new Room(meeting, module, address, number, (told) => this.page.postMessage(told));
      this.rooms.set(meeting, room);
      return resumed;
    } catch (error) {
      this.keys.remove(number);
      throw error;
    }
  }

  /** From what was kept; what cannot be restored is not: participant_restore(). */
  private async begin(begin: Uint8Array, from: OpenRequest) {
    const module = await Module.load(this.module, this.makeWaiter());
    const make = async (snapshot: Uint8Array, deltas: readonly Uint8Array[]) => {
      const w = new Writer().raw(begin).vector(snapshot);
      const data = w.list(deltas, (x, delta) => x.vector(delta)).bytes();
      return new Reader((await module.call("meeting_new", [], data, [now()])).answer).u32();
    };
    if (from.snapshot !== null && from.snapshot.length > 0) {
      try {
        return { module, address: await make(from.snapshot, from.deltas), resumed: true };
      } catch (error) {
        if (!(error instanceof ConclaveError)) throw error;
      }
    }
    return { module, address: await make(new Uint8Array(0), []), resumed: false };
  }

  private async tool(request: Request & { op: "tool" }): Promise<Uint8Array> {
    const w = new Writer();
    const number = request.key === null ? 0 : await this.keys.add(request.key.privateKey);
    if (request.key !== null) await writeSigner(w, request.key, number);
    try {
      return (await this.tools.call(request.tool, [], w.raw(request.data).bytes())).answer;
    } finally {
      if (request.key !== null) this.keys.remove(number);
    }
  }

  private async inMeeting(request: Request & { meeting: number }): Promise<Answer> {
    const room = this.rooms.get(request.meeting);
    if (room === undefined) throw new ConclaveError("ESTATE", "There is no such meeting.");
    switch (request.op) {
      case "input":
        await room
          .step("meeting_input", request.frame ?? new Uint8Array(0), [request.kind], [request.reason])
          .catch(() => undefined); // of the system: it goes on (participant.h)
        return null;
      case "wish":
        return room.step("meeting_wish", request.data, [request.wish], [], true);
      case "code":
        return room.ask("meeting_code");
      case "stats":
        return room.ask("meeting_stats");
      case "describe":
        return room.ask("meeting_describe", [request.leaf], request.ref);
      case "frames":
        await room.setPort(request.port);
        return null;
      case "frame-run":
        room.giveRun(request.epoch, request.run);
        return null;
      case "free":
        room.free();
        this.keys.remove(room.key);
        this.rooms.delete(request.meeting);
        return null;
      default:
        return null;
    }
  }

  private async do(request: Request): Promise<Answer> {
    switch (request.op) {
      case "load":
        return this.load(request);
      case "tool":
        return this.tool(request);
      case "open":
        return this.open(request.meeting, request.with);
      default:
        return this.inMeeting(request);
    }
  }

  stop(): void {
    for (const room of this.rooms.values()) room.free();
    this.rooms.clear();
  }

  async serve({ id, request }: Numbered): Promise<void> {
    let reply: Reply;
    try {
      reply = { id, answer: await this.do(request) };
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : "EINTERNAL";
      const text = error instanceof Error ? error.message : String(error);
      reply = { id, error: { code, text } };
    }
    this.page.postMessage(reply);
    if (request.op === "open" && "answer" in reply) this.rooms.get(request.meeting)?.begin();
  }
}

/** The result ends it, where that is not the end of a worker. */
export function serveEngine(page: Endpoint, surroundings: Surroundings): () => void {
  const engine = new Engine(page, surroundings);
  page.onmessage = (event) => void engine.serve(event.data as Numbered);
  return () => engine.stop();
}
