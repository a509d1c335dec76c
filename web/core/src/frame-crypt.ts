/* Frames sealed and opened (docs/MEDIA.md): headers, nonces, keys and windows by the module, in two
 * steps, AES-GCM between them by WebCrypto. No transport is known here. */
import type { Module, Waiter } from "./module.js";
import { Counters, type Sealed } from "./frame-stream.js";
import { FAILED } from "./operations.js";
import { ConclaveError, type FrameStats, type Source } from "./types.js";
import { concat, Reader, same, Writer } from "./wire.js";

/** The module derives keys here, which waits for nothing; all else would be a mistake. */
export const keysOnly: Waiter = {
  imports: (_memory, operations) =>
    Object.fromEntries(operations.map((operation) => [operation, () => FAILED])),
  random: (out) => {
    const fresh = new Uint8Array(out.length);
    crypto.getRandomValues(fresh);
    out.set(fresh);
  },
  call: () => Promise.reject(new Error("nothing here waits")),
};

/* enum sframe_codec */
const CODECS = { opus: 1, vp8: 2 } as const;

/* src/call: contexts say source and layer; eight for each run. */
const CONTEXTS = 8;
const RUNS = 8;
const FIRST: Record<Source, number> = { audio: 0, camera: 1, screen: 4 };
const LAYERS = 3;
const SOURCES: readonly (Source | null)[] = [
  "audio",
  "camera",
  "camera",
  "camera",
  "screen",
  "screen",
  "screen",
  null,
];

/* SFRAME_HOLD_US, in milliseconds */
const HOLD = 500;
const KEYS_MOST = 256; // of WebCrypto, made ready
const EPOCHS_MOST = 16; // young at the same time

/* A key comes as soon as it is there, since others seal with it. What is sealed here with it waits
 * until it is on record which run of contexts is used. */
export interface EpochMessage {
  readonly epoch: number;
  readonly key: Uint8Array;
  readonly removed: readonly number[];
}
export interface RunMessage {
  readonly epoch: number;
  readonly run: number; // RUNS: nothing may be sealed in it
}

/* RFC 9605 4.3 and 5.2: the last bits of the key ID are those of the epoch, here eight of them
 * (SIGNAL_EPOCH_BITS). One below eight stands in the first byte: the sound of leaf 0, early in a
 * meeting. -1: the header is cut off. */
function epochBits(ciphertext: Uint8Array): number {
  const config = ciphertext[0] ?? 0;
  const short = (config >> 4) & 7;
  return (config & 0x80) === 0 ? short : (ciphertext[short + 1] ?? -1);
}

interface Step {
  readonly group: number; // of FrameCrypt, when it was made
  readonly written: Uint8Array;
  readonly epoch: number;
  readonly context: number;
  readonly leaf: number;
  readonly kid: string;
  readonly counter: number;
  readonly header: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array<ArrayBuffer>;
}

function readStep(written: Uint8Array<ArrayBuffer>, group: number): Step {
  const r = new Reader(written);
  const epoch = r.u64();
  const context = r.u64();
  const leaf = r.u32();
  const kid = r.take(8).join(".");
  const counter = r.u64();
  const [header, nonce, key] = [r.vector(), r.vector(), r.vector()] as Uint8Array<ArrayBuffer>[];
  const secret = { header: header!, nonce: nonce!, key: key! };
  return { group, written, epoch, context, leaf, kid, counter, ...secret };
}

let latest = 0;
function now(): number {
  latest = Math.max(latest, performance.timeOrigin + performance.now());
  return latest;
}

export interface Opened extends Sealed {
  readonly frame: Uint8Array<ArrayBuffer>;
}

export class FrameCrypt {
  private keys: number;
  private group = 0; // how often the meeting has begun anew
  private readonly ready = new Map<string, CryptoKey>();
  private epochs: readonly number[] = []; // the last of this group
  private readonly runs = new Map<number, number>(); // by epoch
  private newest = -1;
  private last = new Uint8Array(0); // the newest epoch's message
  private readonly waiting = new Set<() => void>();
  private readonly awaited = new Map<number, number>(); // epochs to come, by their bits: until when
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sealed = 0;
  private opened = 0;
  private held = 0;
  private spent = 0;
  private readonly refused: Record<string, number> = {};
  private readonly counters = new Counters();

  constructor(private readonly module: Module) {
    this.keys = this.noKeys();
  }

  private noKeys(): number {
    return new Reader(this.module.callNow("frames_new", [], null).answer).u32();
  }

  /** The meeting began anew, as another group, whose epochs count from the start. */
  private beginAnew(): void {
    this.module.callNow("frames_free", [this.keys], null, [], false);
    this.keys = this.noKeys();
    this.group++;
    this.epochs = [];
    this.runs.clear();
    this.counters.keep([]);
  }

  epoch({ epoch, key, removed }: EpochMessage): void {
    const again = epoch === this.newest && same(key, this.last);
    if (again) return;
    if (epoch <= this.newest) this.beginAnew();
    this.last.fill(0);
    this.last = key.slice();
    const leaves = new Writer();
    for (const leaf of removed) leaves.u32(leaf);
    const data = new Writer().raw(key).vector(leaves.bytes()).bytes();
    this.module.callNow("frames_epoch", [this.keys], data, [now()], false);
    data.fill(0);
    this.newest = epoch;
    this.epochs = [...this.epochs.filter((old) => old + EPOCHS_MOST > epoch), epoch];
    this.counters.keep(this.epochs);
    this.awaited.clear();
    this.tick();
    for (const go of [...this.waiting]) go();
  }

  /** After its epoch. */
  run({ epoch, run }: RunMessage): void {
    this.runs.set(epoch, run);
    for (const old of this.runs.keys()) if (!this.epochs.includes(old)) this.runs.delete(old);
    for (const go of [...this.waiting]) go();
  }

  /** Keys of epochs that are over go, also if no frame comes any more. */
  private tick(): void {
    clearTimeout(this.timer);
    const { value } = this.module.callNow("frames_tick", [this.keys], null, [now()], false);
    this.ready.clear(); // made anew at little cost
    if (value >= 0) this.timer = setTimeout(() => this.tick(), Math.max(1, value - now()));
  }

  private async keyOf(step: Step): Promise<CryptoKey> {
    const name = `${step.group}/${step.epoch}/${step.kid}`;
    let key = this.ready.get(name);
    if (key === undefined) {
      key = await crypto.subtle.importKey("raw", step.key, "AES-GCM", false, ["encrypt", "decrypt"]);
      if (this.ready.size >= KEYS_MOST) this.ready.clear();
      this.ready.set(name, key);
    }
    step.key.fill(0);
    return key;
  }

  private clearOf(codec: keyof typeof CODECS, frame: Uint8Array): number {
    /* Ten bytes at most are looked at: they are all that is copied. */
    const head = frame.subarray(0, 10);
    const size = this.module.callNow("frames_clear", [CODECS[codec]], head, [], false).value;
    return size;
  }

  /** null: not to be sent (no key yet, or none left). */
  async seal(
    source: Source,
    layer: number,
    frame: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const begun = performance.now();
    try {
      const clear = this.clearOf(source === "audio" ? "opus" : "vp8", frame);
      const step = await this.sealStep(source, layer, frame.length - clear);
      const front = frame.slice(0, clear);
      const how = { name: "AES-GCM", iv: step.nonce, additionalData: concat(step.header, front) };
      const key = await this.keyOf(step);
      const text = await crypto.subtle.encrypt(how, key, frame.slice(clear));
      this.sealed++;
      this.spent += performance.now() - begun;
      return concat(front, step.header, new Uint8Array(text));
    } catch (error) {
      this.refuse(error);
      return null;
    }
  }

  private async sealStep(source: Source, layer: number, n: number): Promise<Step> {
    /* Which epoch is sealed in is the module's to say (it changes a moment after a join), and the
     * run depends on it. */
    const slot = FIRST[source] + Math.min(layer, source === "audio" ? 0 : LAYERS - 1);
    const until = now() + HOLD;
    for (let at = now(); ; at = now()) {
      const run = this.runs.get(this.sending(at));
      if (run !== undefined && run < RUNS) {
        const args = [this.keys, run * CONTEXTS + slot, n, at];
        return readStep(this.module.callNow("frames_seal", args, null).answer, this.group);
      }
      if (run !== undefined || at >= until)
        throw new ConclaveError("EEXHAUSTED", "Nothing can be sent before the next change.");
      await this.nextChange(until - at);
    }
  }

  private sending(at: number): number {
    const { answer } = this.module.callNow("frames_sending", [this.keys], null, [at]);
    return new Reader(answer).u64();
  }

  /** null: refused. Waits for an epoch that is on its way. */
  async open(kind: "audio" | "video", frame: Uint8Array): Promise<Opened | null> {
    const begun = performance.now();
    try {
      const codec = kind === "audio" ? "opus" : "vp8";
      const clear = this.clearOf(codec, frame);
      const step = await this.openStep(frame.subarray(clear));
      const front = frame.slice(0, clear);
      const text = frame.slice(clear + step.header.length);
      const how = { name: "AES-GCM", iv: step.nonce, additionalData: concat(step.header, front) };
      const key = await this.keyOf(step);
      const plain = await crypto.subtle.decrypt(how, key, text).catch(() => null);
      if (step.group !== this.group)
        throw new ConclaveError("EUNKNOWNKEY", "The meeting has begun anew meanwhile.");
      const right = plain === null ? 0 : 1;
      this.module.callNow("frames_opened", [this.keys], step.written, [right, now()], false);
      const { leaf, epoch, context, counter } = step;
      const sealed = { leaf, epoch, context, counter, source: this.sourceOf(context, kind) };
      if (this.counters.isLate(sealed, performance.now()))
        throw new ConclaveError("ELATE", "Kept back, and sent later than what followed it.");
      this.opened++;
      this.spent += performance.now() - begun;
      return { ...sealed, frame: concat(front, new Uint8Array(plain!)) };
    } catch (error) {
      this.refuse(error);
      return null;
    }
  }

  /** Source and layer are authenticated as the leaf is: no screen passes for a camera's picture. */
  private sourceOf(context: number, kind: "audio" | "video"): Source {
    const source = context < RUNS * CONTEXTS ? SOURCES[context % CONTEXTS] : null;
    if (!source || (source === "audio") !== (kind === "audio"))
      throw new ConclaveError("ESOURCE", "Sealed as what it was not sent as.");
    return source;
  }

  /** Until when an epoch is waited for that has these bits: from its first frame on, since those behind
   * wait in the same stream. One that is over does not come again: who waited for it would be late for
   * the next one, too. */
  private comesUntil(bits: number): number {
    const ahead = (bits - this.newest) & 0xff;
    if (bits < 0 || (this.newest >= 0 && (ahead === 0 || ahead >= 128))) return 0;
    const until = this.awaited.get(bits) ?? now() + HOLD;
    this.awaited.set(bits, until);
    return until;
  }

  private async openStep(ciphertext: Uint8Array): Promise<Step> {
    for (let first = true; ; first = false) {
      try {
        const args = [this.keys];
        const { answer } = this.module.callNow("frames_open", args, ciphertext, [now()]);
        return readStep(answer, this.group);
      } catch (error) {
        const unknown = error instanceof ConclaveError && error.code === "EUNKNOWNKEY";
        const until = unknown ? this.comesUntil(epochBits(ciphertext)) : 0;
        if (now() >= until) throw error;
        if (first) this.held++;
        await this.nextChange(until - now());
      }
    }
  }

  private nextChange(most: number): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        this.waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, most);
      this.waiting.add(go);
    });
  }

  private refuse(error: unknown): void {
    const code = error instanceof ConclaveError ? error.code : "ECRYPTO";
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  stats(): FrameStats {
    const frames = this.sealed + this.opened;
    return {
      sealed: this.sealed,
      opened: this.opened,
      held: this.held,
      refused: { ...this.refused },
      microseconds: frames === 0 ? 0 : (1000 * this.spent) / frames,
    };
  }
}
