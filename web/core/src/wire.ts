/* TLS presentation language with the varint vectors of RFC 9420 section 2.1.2: what crosses between
 * the module and us (src/wasm), and what goes to the media switch. */
import { ConclaveError } from "./types.js";

export class Writer {
  private data = new Uint8Array(256);
  private n = 0;

  private room(n: number): void {
    if (this.n + n <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.data.length * 2, this.n + n));
    grown.set(this.data.subarray(0, this.n));
    this.data = grown;
  }
  u8(v: number): this {
    this.room(1);
    this.data[this.n++] = v;
    return this;
  }
  u16(v: number): this {
    return this.u8(v >>> 8).u8(v);
  }
  u32(v: number): this {
    return this.u16(v >>> 16).u16(v);
  }
  u64(v: number): this {
    return this.u32(Math.floor(v / 0x100000000)).u32(v >>> 0);
  }
  raw(data: Uint8Array): this {
    this.room(data.length);
    this.data.set(data, this.n);
    this.n += data.length;
    return this;
  }
  vector(data: Uint8Array): this {
    if (data.length < 0x40) this.u8(data.length);
    else if (data.length < 0x4000) this.u16(data.length | 0x4000);
    else if (data.length < 0x40000000) this.u32(data.length + 0x80000000);
    else throw new ConclaveError("ELIMIT", "Too long to be written.");
    return this.raw(data);
  }
  text(s: string): this {
    return this.vector(new TextEncoder().encode(s));
  }
  list<T>(items: readonly T[], put: (w: Writer, item: T) => void): this {
    const inner = new Writer();
    for (const item of items) put(inner, item);
    return this.vector(inner.bytes());
  }
  bytes(): Uint8Array {
    return this.data.slice(0, this.n);
  }
}

const decoder = new TextDecoder();

export class Reader {
  private at = 0;
  constructor(private readonly data: Uint8Array) {}

  get done(): boolean {
    return this.at === this.data.length;
  }
  take(n: number): Uint8Array {
    if (n > this.data.length - this.at) throw new ConclaveError("ESYNTAX", "A message is cut off.");
    this.at += n;
    return this.data.subarray(this.at - n, this.at);
  }
  u8(): number {
    return this.take(1)[0]!;
  }
  bool(): boolean {
    return this.u8() !== 0;
  }
  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }
  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }
  /** Exact up to 2^53, which no counter of ours reaches. */
  u64(): number {
    return this.u32() * 0x100000000 + this.u32();
  }
  vector(): Uint8Array {
    const first = this.u8();
    const size = first >>> 6;
    let n = first & 0x3f;
    if (size === 1) n = n * 0x100 + this.u8();
    if (size === 2) n = (n * 0x100 + this.u8()) * 0x10000 + this.u16();
    if (size === 3 || (size === 1 && n < 0x40) || (size === 2 && n < 0x4000))
      throw new ConclaveError("ESYNTAX", "A length in a form that no message has.");
    return this.take(n);
  }
  text(): string {
    return decoder.decode(this.vector());
  }
  list<T>(get: (r: Reader) => T): T[] {
    const inner = new Reader(this.vector());
    const out: T[] = [];
    while (!inner.done) out.push(get(inner));
    return out;
  }
  name<T>(names: readonly T[], first = 1): T {
    const name = names[this.u8() - first];
    if (name === undefined) throw new ConclaveError("ESYNTAX", "A value nobody knows.");
    return name;
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function hex(data: Uint8Array): string {
  return Array.from(data, (b) => b.toString(16).padStart(2, "0")).join("");
}

export function unhex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new ConclaveError("EINVAL", "That is no reference.");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
