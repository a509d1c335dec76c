/* A meeting in the page: sockets and storage for the engine, views and events for the application. */
import type { Client } from "./client.js";
import { FramesInPage } from "./frames.js";
import { type Effect, INPUT, type Told, type View, WISH } from "./protocol.js";
import {
  type Bridge,
  ConclaveError,
  type Credential,
  type Frames,
  type LinkParts,
  type Meeting,
  type MeetingEvent,
  type MeetingInfo,
  type MeetingOptions,
  type Person,
  type Phase,
  type Reason,
  type Sends,
  type Socket,
  type StateStore,
  type Stats,
  type Waiting,
} from "./types.js";
import { Reader, unhex, Writer } from "./wire.js";

const NONE: Reason = { name: "NONE", text: "", next: "" };
const REASON_UNREACHABLE = 84; // src/signal/reason.h: for a socket that never opened
const NO_LEAF = 0xffffffff;
const FRAME_MOST = 64 << 20; // docs/PROTOCOL.md section 5: no message has more
const RUNS = 8; // src/call/call.h: CALL_RUNS
/* A network that fails in silence closes no socket for minutes. But whoever is in a meeting hears a
 * heartbeat every three seconds, their own if nobody else's (docs/PROTOCOL.md section 6). Milliseconds;
 * the second is for a connection that does not come about. */
const SILENCE = 8_000;
const CONNECTING_MOST = 15_000;
const BEAT = 3_000;
const BEAT_OF_EACH = 100;
const NOTHING_YET: View = { phase: "idle", end: NONE, info: null, roster: [], lobby: [] };

export interface MeetingParts {
  readonly client: Client;
  readonly number: number;
  readonly bridge: Bridge;
  readonly link: LinkParts;
  readonly options: MeetingOptions;
  readonly store: StateStore | null;
  readonly framesWorker: () => Promise<Worker>;
}

export class MeetingInPage implements Meeting {
  resumed = false;
  private view: View = NOTHING_YET;
  private readonly listeners = new Set<(event: MeetingEvent) => void>();
  private work: Promise<void> = Promise.resolve();
  private socket: Socket | null = null;
  private closed = false;
  private failure: Reason | null = null;
  private made: Promise<FramesInPage> | null = null;
  private note: { epoch: number; run: number } | null = null;

  constructor(private readonly parts: MeetingParts) {}

  get bridge(): Bridge {
    return this.parts.bridge;
  }
  get phase(): Phase {
    return this.failure === null ? this.view.phase : "over";
  }
  get end(): Reason | null {
    return this.failure ?? (this.view.phase === "over" ? this.view.end : null);
  }

  /** Begins, with what was kept if anything was. */
  async start(): Promise<void> {
    const { client, number, options, store } = this.parts;
    const saved = store === null ? null : await store.load();
    this.note = saved?.note ?? null;
    client.listen(number, (told) => this.hear(told));
    try {
      const { key, chain, root } = options.credential;
      this.resumed = (await client.request({
        op: "open",
        meeting: number,
        with: {
          link: options.link,
          name: options.name ?? "",
          key,
          chain,
          root,
          anchors: options.trust ?? [],
          saveKey: saved?.key ?? new Uint8Array(0),
          snapshot: saved?.snapshot ?? null,
          deltas: saved?.deltas ?? [],
        },
      })) as boolean;
    } catch (error) {
      client.unlisten(number);
      store?.close?.();
      throw error;
    }
  }

  /* ---- What the engine tells, carried out in its order ---- */

  private hear(told: Told): void {
    this.work = this.work
      .then(() => this.carryOutAll(told))
      .catch((error: unknown) => this.breakDown(error instanceof Error ? error.message : ""));
  }

  private async carryOutAll(told: Told): Promise<void> {
    if (this.closed || this.failure !== null) return;
    if (told.broken !== null) throw new Error(told.broken);
    let view = told.view;
    for (const effect of told.effects) {
      if (effect.kind === "event" && view !== null) {
        this.view = view;
        view = null;
      }
      await this.carryOut(effect);
    }
    if (this.phase === "over") this.parts.store?.close?.(); // who comes again begins anew
  }

  /** What follows may depend on what was not written: a key must not be used twice. */
  private async carryOut(effect: Effect): Promise<void> {
    const { store } = this.parts;
    switch (effect.kind) {
      case "connect":
        this.connect();
        break;
      case "disconnect":
        this.drop();
        break;
      case "send":
        this.socket?.send(effect.data);
        break;
      case "snapshot":
        await store?.snapshot(effect.data);
        break;
      case "delta":
        await store?.append(effect.data, effect.sync);
        break;
      case "forget":
        await store?.forget();
        break;
      case "event":
        this.emit(effect.event);
        if (effect.event.type === "code") await this.passRun(effect.event.epoch);
    }
  }

  private emit(event: MeetingEvent): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(event);
      } catch (error) {
        reportError(error); // the application's, and not the meeting's end
      }
    }
  }

  private breakDown(text: string): void {
    if (this.closed || this.failure !== null) return;
    this.failure = {
      name: "BROKEN",
      text: text || "Something failed on this device.",
      next: "Load the page again.",
    };
    this.drop();
    this.parts.store?.close?.();
    this.emit({ type: "phase", phase: "over", reason: this.failure });
  }

  /* ---- The socket ---- */

  private connect(): void {
    this.drop();
    const { origin } = this.parts.link;
    const url = `${origin.replace(/^http/, "ws")}/ws`;
    const connect = this.parts.options.connect ?? ((u: string) => new WebSocket(u, "conclave.1"));
    let socket: Socket;
    try {
      socket = connect(url);
    } catch {
      queueMicrotask(() => this.input(INPUT.disconnected, null, REASON_UNREACHABLE));
      return;
    }
    let opened = false;
    this.socket = null;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (this.closed || this.pending !== socket) return socket.close();
      opened = true;
      this.socket = socket;
      this.expect(socket, SILENCE);
      this.input(INPUT.connected, null, 0);
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (this.socket !== socket || !(event.data instanceof ArrayBuffer)) return;
      if (event.data.byteLength > FRAME_MOST) return socket.close();
      this.expect(socket, SILENCE);
      this.input(INPUT.frame, new Uint8Array(event.data), 0);
    };
    socket.onerror = () => undefined; // a close follows
    socket.onclose = () => {
      if (this.pending !== socket) return;
      clearTimeout(this.silence);
      this.pending = this.socket = null;
      this.input(INPUT.disconnected, null, opened ? 0 : REASON_UNREACHABLE);
    };
    this.pending = socket;
    this.expect(socket, CONNECTING_MOST);
  }
  private pending: Socket | null = null; // the last that was asked for
  private silence: ReturnType<typeof setTimeout> | undefined;

  /** Something is to come of this socket within so long; else the network is taken for cut. */
  private expect(socket: Socket, within: number): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (this.pending !== socket) return;
      const opened = this.socket === socket;
      if (opened && !this.isTalkedTo()) return this.expect(socket, within);
      this.drop();
      this.input(INPUT.disconnected, null, opened ? 0 : REASON_UNREACHABLE);
    }, within);
  }

  /** Whether silence means something: in the lobby nobody speaks, and in a large meeting of which few
   * are connected hardly anybody. */
  private isTalkedTo(): boolean {
    const { phase, roster } = this.view;
    const connected = roster.filter((person) => person.connected).length;
    const beat = Math.max(BEAT, BEAT_OF_EACH * roster.length) / Math.max(1, connected);
    return (phase === "in-meeting" || phase === "reconnecting") && 2 * beat < SILENCE;
  }

  private drop(): void {
    clearTimeout(this.silence);
    const socket = this.pending;
    this.pending = this.socket = null;
    socket?.close();
  }

  private input(kind: number, frame: Uint8Array | null, reason: number): void {
    if (this.closed) return;
    const { client, number } = this.parts;
    void client
      .request({ op: "input", meeting: number, kind, frame, reason })
      .catch(() => undefined); // told as broken
  }

  /* ---- Looking ---- */

  on(listener: (event: MeetingEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  info(): MeetingInfo | null {
    return this.view.info;
  }
  roster(): readonly Person[] {
    return this.view.roster;
  }
  lobby(): readonly Waiting[] {
    return this.view.lobby;
  }

  async stats(): Promise<Stats> {
    const { client, number: meeting } = this.parts;
    const r = new Reader(await client.bytes({ op: "stats", meeting }));
    return {
      bytesIn: r.u64(),
      bytesOut: r.u64(),
      epochs: r.u64(),
      messagesIn: r.u64(),
      heartbeatsIn: r.u64(),
      refused: r.u64(),
    };
  }

  async code(): Promise<string | null> {
    const { client, number: meeting } = this.parts;
    try {
      return new TextDecoder().decode(await client.bytes({ op: "code", meeting }));
    } catch (error) {
      if (error instanceof ConclaveError && error.code === "ESTATE") return null;
      throw error;
    }
  }

  async describe(who: number | string): Promise<string> {
    const { client, number: meeting } = this.parts;
    const leaf = typeof who === "number" ? who : NO_LEAF;
    const ref = typeof who === "number" ? new Uint8Array(0) : unhex(who);
    return new TextDecoder().decode(await client.bytes({ op: "describe", meeting, leaf, ref }));
  }

  /* ---- Wishes ---- */

  private wish(wish: number, data: Writer = new Writer()): Promise<Uint8Array> {
    const { client, number: meeting } = this.parts;
    return client.bytes({ op: "wish", meeting, wish, data: data.bytes() });
  }

  async say(text: string): Promise<string> {
    const id = await this.wish(WISH.say, new Writer().text(text));
    return Array.from(id, (b) => b.toString(16).padStart(2, "0")).join("");
  }
  async react(emoji: string): Promise<void> {
    await this.wish(WISH.react, new Writer().text(emoji));
  }
  async raiseHand(raised: boolean): Promise<void> {
    await this.wish(WISH.hand, new Writer().u8(raised ? 1 : 0));
  }
  async setSends(sends: Sends): Promise<void> {
    const bits = (sends.audio ? 1 : 0) | (sends.camera ? 2 : 0) | (sends.screen ? 4 : 0);
    await this.wish(WISH.sends, new Writer().u8(bits));
  }
  async askMute(leaf: number | null): Promise<void> {
    await this.wish(WISH.askMute, new Writer().u32(leaf ?? NO_LEAF));
  }
  async admit(ref: string): Promise<void> {
    await this.wish(WISH.admit, new Writer().vector(unhex(ref)));
  }
  async admitAll(): Promise<void> {
    await this.wish(WISH.admitAll);
  }
  async refuse(ref: string): Promise<void> {
    await this.wish(WISH.refuse, new Writer().vector(unhex(ref)));
  }
  async eject(leaf: number): Promise<void> {
    await this.wish(WISH.eject, new Writer().u32(leaf));
  }
  async lock(locked: boolean): Promise<void> {
    await this.wish(WISH.lock, new Writer().u8(locked ? 1 : 0));
  }
  async makeCohost(leaf: number, cohost: boolean): Promise<void> {
    await this.wish(WISH.cohost, new Writer().u32(leaf).u8(cohost ? 1 : 0));
  }
  async endForAll(): Promise<void> {
    await this.wish(WISH.end);
  }
  async leave(): Promise<void> {
    await this.wish(WISH.leave);
  }
  async renew(credential: Credential): Promise<void> {
    await this.wish(
      WISH.renew,
      new Writer().list(credential.chain, (w, certificate) => w.vector(certificate)),
    );
  }
  async sendMedia(body: Uint8Array): Promise<void> {
    await this.wish(WISH.media, new Writer().vector(body));
  }

  /* ---- Frames ---- */

  frames(): Promise<Frames> {
    this.made ??= this.makeFrames();
    return this.made;
  }

  private async makeFrames(): Promise<FramesInPage> {
    const { client, number: meeting } = this.parts;
    const { port1, port2 } = new MessageChannel();
    const frames = new FramesInPage(await this.parts.framesWorker(), port2);
    await client.request({ op: "frames", meeting, port: port1 }, [port1]);
    const epoch = this.view.info;
    if (epoch?.inMeeting) this.work = this.work.then(() => this.passRun(epoch.epoch, true));
    return frames;
  }

  /** The frames' worker seals in an epoch once it is on record which contexts it uses there: a reload
   * within the epoch, which forgets the counters, then takes others (docs/MEDIA.md). */
  private async passRun(epoch: number, first = false): Promise<void> {
    if (this.made === null || (!first && this.view.info?.epoch !== epoch)) return;
    const { client, number: meeting, store } = this.parts;
    const again = this.note?.epoch === epoch;
    const run = again ? this.note!.run + 1 : 0;
    if (run < RUNS) {
      this.note = { epoch, run };
      await store?.note(this.note);
    }
    /* With none left, frames are opened, and sealed from the next epoch on. */
    await client.request({ op: "frame-run", meeting, epoch, run: Math.min(run, RUNS) });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.work;
    this.closed = true;
    this.drop();
    this.listeners.clear();
    (await this.made)?.close();
    const { client, number: meeting, store } = this.parts;
    client.unlisten(meeting);
    await client.request({ op: "free", meeting }).catch(() => undefined); // the engine is gone
    store?.close?.();
  }
}
