/* A member's media: one transport to send and one to receive, what is published, and the slots in
 * which others are seen and heard. Requests go out by `say`; every reply of the switch comes to
 * hear(). It keeps no list of members: what it is told of a slot is the switch's word, and who is
 * really seen there says `frames` (docs/PROTOCOL.md section 9). */
import { Device, type types } from "mediasoup-client";
import type {
  Frames,
  MediaFlow,
  MediaReply,
  MediaRequest,
  MediaSlot,
  MediaWant,
  Source,
} from "@conclave/core";
import {
  consumerOptions,
  encodings,
  iceParameters,
  makeEndpoint,
  openRequest,
  publishRequest,
  routerCapabilities,
  TRACKS,
  transportOptions,
  type Answer,
  type Endpoint,
} from "./transport.js";

export interface SessionOptions {
  /** Meeting.sendMedia(encodeMedia(request)). */
  say(request: MediaRequest): void;
  /** Meeting.frames(). */
  readonly frames: Pick<Frames, "seal" | "open">;
  /** A slot has a track, which stays; it shows whatever `frames` says of this id. */
  slot(id: string, track: MediaStreamTrack): void;
  flows?(flows: readonly MediaFlow[]): void;
  speakers?(leaves: readonly number[]): void;
  /** The switch will not do what was last asked for on this transport. */
  refused?(direction: Direction): void;
}

export type Direction = "send" | "recv";
const DIRECTIONS: readonly Direction[] = ["send", "recv"]; // by the number of their transport

interface Link {
  readonly endpoint: Endpoint;
  transport: types.Transport;
  answer: Answer;
  ufrag: string; // that the switch was told
}

interface Track {
  readonly producer: types.Producer;
  readonly source: Source;
  changes: Promise<void>; // of what its sender sends, one after the other
}

/* RFC 8839 5.4. It is said in descriptions only (Chromium's RTCIceTransport keeps it to itself), and
 * mediasoup-client has no way to them but this. Should that end, members are not followed any more,
 * and nothing else. */
function localLogin(transport: types.Transport): { ufrag: string; pwd: string } | null {
  const { _pc } = transport.handler as unknown as { _pc?: RTCPeerConnection };
  const sdp = _pc?.localDescription?.sdp ?? "";
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  const pwd = /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1];
  return ufrag === undefined || pwd === undefined ? null : { ufrag, pwd };
}

export class MediaSession {
  private readonly device = new Device();
  private readonly links = new Map<Direction, Link>();
  private readonly answers = new Map<Direction, PromiseWithResolvers<Answer>>();
  private readonly tracks = new Map<number, Track>();
  private readonly demands = new Map<number, number>(); // layers somebody wants, by track
  private readonly slots = new Map<number, Promise<void>>(); // those that are set up, by SSRC
  private readonly restarting = new Set<Direction>();
  private closed = false;

  private constructor(private readonly options: SessionOptions) {}

  /** Opens both transports and gets ready to hear. Replies have to come to hear() meanwhile: it is
   * given to `made` first. */
  static async open(options: SessionOptions, made: (session: MediaSession) => void): Promise<void> {
    const session = new MediaSession(options);
    made(session);
    await session.device.load({ routerRtpCapabilities: routerCapabilities() });
    await Promise.all(DIRECTIONS.map((direction) => session.connect(direction)));
    await session.prepare(session.link("recv").answer.audio, "audio");
  }

  /* ---- Transports ---- */

  private link(direction: Direction): Link {
    const link = this.links.get(direction);
    if (link === undefined) throw new Error("The media transports are not open.");
    return link;
  }

  /** Asks for a transport, new or (the certificate being the same) with fresh ICE credentials. */
  private ask(direction: Direction, endpoint: Endpoint): Promise<Answer> {
    const number = direction === "send" ? 0 : 1;
    const answer = Promise.withResolvers<Answer>();
    this.answers.set(direction, answer);
    this.options.say(openRequest(number, direction, endpoint));
    return answer.promise;
  }

  private async connect(direction: Direction): Promise<void> {
    const endpoint = await makeEndpoint();
    const answer = await this.ask(direction, endpoint);
    const options = transportOptions(answer, endpoint);
    const transport =
      direction === "send"
        ? this.device.createSendTransport(options)
        : this.device.createRecvTransport(options);
    transport.on("connect", (_, done) => done()); // the switch knows the certificate already
    transport.on("connectionstatechange", (state) => {
      if (state === "failed") this.lookAnew(direction);
    });
    transport.on("produce", ({ rtpParameters, appData }, done, failed) => {
      const { source, height } = appData as { source: Source; height: number };
      try {
        this.options.say(publishRequest(0, source, rtpParameters, height));
        done({ id: source });
      } catch (error) {
        failed(error as Error);
      }
    });
    this.links.set(direction, { endpoint, transport, answer, ufrag: "" });
  }

  /** After a negotiation: tells the switch what this side calls itself in ICE checks, if that is new,
   * so that the switch can follow it to another address. */
  private login(direction: Direction): void {
    const link = this.link(direction);
    const local = localLogin(link.transport);
    if (local === null || local.ufrag === link.ufrag) return;
    link.ufrag = local.ufrag;
    this.options.say({ kind: "login", transport: direction === "send" ? 0 : 1, ...local });
  }

  /** RFC 8445 9: looks for a new way to the switch; what is sent and shown stays. For when the
   * network has changed, too. */
  async restart(direction: Direction): Promise<void> {
    const link = this.link(direction);
    if (this.closed || this.restarting.has(direction)) return;
    this.restarting.add(direction);
    try {
      link.answer = await this.ask(direction, link.endpoint);
      await link.transport.restartIce({ iceParameters: iceParameters(link.answer) });
      this.login(direction);
    } finally {
      this.restarting.delete(direction);
    }
  }

  /** For who asks nobody whether it worked. */
  private lookAnew(direction: Direction): void {
    this.restart(direction).catch(() => {
      if (!this.closed) this.options.refused?.(direction);
    });
  }

  /* ---- Sending ---- */

  /** In place of what was published of this source before. */
  async publish(source: Source, track: MediaStreamTrack): Promise<void> {
    this.unpublish(source);
    const height = track.getSettings().height ?? 0;
    const producer = await this.link("send").transport.produce({
      track,
      ...(source === "audio" ? {} : { encodings: encodings(source, height) }),
      stopTracks: false,
      onRtpSender: (sender) => this.options.frames.seal(sender, source),
      appData: { source, height },
    });
    this.login("send");
    const number = TRACKS[source];
    this.tracks.set(number, { producer, source, changes: Promise.resolve() });
    this.satisfy(number);
  }

  unpublish(source: Source): void {
    const track = this.tracks.get(TRACKS[source]);
    if (track === undefined) return;
    track.producer.close();
    this.tracks.delete(TRACKS[source]);
    this.demands.delete(TRACKS[source]);
    this.options.say({ kind: "unpublish", track: TRACKS[source] });
  }

  /** Stops encoding what nobody wants. */
  private satisfy(number: number): void {
    const layers = this.demands.get(number);
    const track = this.tracks.get(number);
    const sender = track?.producer.rtpSender;
    if (layers === undefined || track === undefined || sender === undefined) return;
    track.changes = track.changes.then(async () => {
      const parameters = sender.getParameters();
      parameters.encodings.forEach((encoding, i) => {
        encoding.active = (layers & (1 << i)) !== 0;
      });
      await sender.setParameters(parameters).catch(() => {}); // closed meanwhile
    });
  }

  /* ---- Receiving ---- */

  /** Sets up receivers for slots that have none, all in one negotiation. */
  private async prepare(slots: readonly MediaSlot[], kind: "audio" | "video"): Promise<void> {
    const { transport } = this.link("recv");
    const consume = async (slot: MediaSlot) => {
      const consumer = await transport.consume({
        ...consumerOptions(slot, kind),
        onRtpReceiver: (receiver) => this.options.frames.open(receiver, kind, String(slot.ssrc)),
      });
      this.login("recv");
      this.options.slot(consumer.id, consumer.track);
    };
    for (const slot of slots)
      if (!this.slots.has(slot.ssrc)) this.slots.set(slot.ssrc, consume(slot));
    await Promise.all(slots.map((slot) => this.slots.get(slot.ssrc)));
  }

  /** All pictures that are wanted, the most important first. */
  async want(wants: readonly MediaWant[]): Promise<void> {
    const { video } = this.link("recv").answer;
    await this.prepare(video.slice(0, wants.length), "video");
    this.options.say({ kind: "subscribe", transport: 1, wants });
  }

  /* The switch fills slots in their order, but one that is left may leave a gap. */
  private prepareFor(flows: readonly MediaFlow[]): void {
    const video = this.links.get("recv")?.answer.video ?? [];
    const named = video.filter(({ ssrc }) =>
      flows.some((flow) => flow.ssrc === ssrc && !flow.gone),
    );
    if (named.length !== 0) void this.prepare(named, "video");
  }

  /* ---- What the switch says ---- */

  private refuse(direction: Direction): void {
    const refusal = new Error("The switch will not do that, or not now.");
    this.answers.get(direction)?.reject(refusal); // if it was that which was asked for
    this.options.refused?.(direction);
  }

  hear(reply: MediaReply): void {
    if (this.closed) return;
    switch (reply.kind) {
      case "answer": {
        const direction = DIRECTIONS[reply.transport] ?? "send";
        this.answers.get(direction)?.resolve(reply);
        return;
      }
      case "flows":
        this.prepareFor(reply.flows);
        this.options.flows?.(reply.flows);
        return;
      case "speakers":
        this.options.speakers?.(reply.leaves);
        return;
      case "demand":
        this.demands.set(reply.track, reply.layers);
        this.satisfy(reply.track);
        return;
      case "state": {
        const direction = DIRECTIONS[reply.transport] ?? "send";
        if (reply.state === "lost") this.lookAnew(direction);
        if (reply.state === "refused") this.refuse(direction);
      }
    }
  }

  /** getStats() of a transport. */
  stats(direction: Direction): Promise<RTCStatsReport> {
    return this.link(direction).transport.getStats();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const [direction, { transport }] of this.links) {
      transport.close();
      this.options.say({ kind: "close", transport: direction === "send" ? 0 : 1 });
    }
  }
}
