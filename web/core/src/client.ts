/* The page's end of the engine: requests and their replies. */
import type { Answer, Endpoint, Reply, Request, Told, Tool } from "./protocol.js";
import { readReason } from "./read.js";
import { ConclaveError, type LinkParts, type Reason } from "./types.js";
import { Reader, Writer } from "./wire.js";

interface Pending {
  resolve(answer: Answer): void;
  reject(error: ConclaveError): void;
}

export class Client {
  private last = 0;
  private failure: ConclaveError | null = null;
  private readonly pending = new Map<number, Pending>();
  private readonly meetings = new Map<number, (told: Told) => void>();

  constructor(private readonly engine: Endpoint) {
    engine.onmessage = (event) => this.hear(event.data as Reply | Told);
  }

  private hear(message: Reply | Told): void {
    if ("meeting" in message) {
      this.meetings.get(message.meeting)?.(message);
      return;
    }
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if ("answer" in message) pending?.resolve(message.answer);
    else pending?.reject(new ConclaveError(message.error.code, message.error.text));
  }

  request(request: Request, transfer: Transferable[] = []): Promise<Answer> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.engine.postMessage({ id, request }, transfer);
    });
  }

  /** A worker that could not be loaded, or died: nothing is answered any more. */
  fail(text: string): void {
    this.failure ??= new ConclaveError("EINTERNAL", text);
    for (const one of this.pending.values()) one.reject(this.failure);
    this.pending.clear();
    for (const [meeting, tell] of this.meetings)
      tell({ meeting, effects: [], view: null, broken: text });
  }

  listen(meeting: number, listener: (told: Told) => void): void {
    this.meetings.set(meeting, listener);
  }
  unlisten(meeting: number): void {
    this.meetings.delete(meeting);
  }

  async bytes(request: Request): Promise<Uint8Array> {
    return (await this.request(request)) as Uint8Array;
  }

  tool(tool: Tool, data: Uint8Array, key: CryptoKeyPair | null = null): Promise<Uint8Array> {
    return this.bytes({ op: "tool", tool, key, data });
  }

  /** EINVAL: it is no meeting's. */
  async link(text: string): Promise<LinkParts> {
    const r = new Reader(await this.tool("link_read", new Writer().text(text).bytes()));
    const tls = r.bool();
    const host = r.text();
    const port = r.u16();
    const number = r.text();
    const name = host.includes(":") ? `[${host}]` : host;
    const origin = new URL(`${tls ? "https" : "http"}://${name}:${port}`).origin;
    return { origin, number, hasSecret: r.bool() };
  }

  async reason(name: string): Promise<Reason> {
    return readReason(new Reader(await this.tool("reason_words", new TextEncoder().encode(name))));
  }
}
