/* Media of a meeting, by the media switch: web/media speaks with it, the core's workers seal and open
 * frames. The switch fills slots; who is in one is the SFrame key ID's word. */
import {
  decodeMedia,
  encodeMedia,
  type Frames,
  type MediaRequest,
  type Meeting,
  type Source,
} from "../../../core/src/index";
import { MediaSession } from "../../../media/src/index";
import type { LineEvent, LineState, MediaLine, Want } from "./engine";
import { Slots } from "./slots";

/* RTCTransportStats, of which TypeScript's library does not know this. */
interface TransportStats {
  readonly type: string;
  readonly srtpCipher?: string;
}

class SwitchLine implements MediaLine {
  private readonly listeners = new Set<(event: LineEvent) => void>();
  private readonly slots: Slots;
  private readonly sources = new Map<Source, MediaStreamTrack>(); // ours
  private readonly stops: (() => void)[] = [];
  private wants: readonly Want[] = [];
  private state: LineState = "connecting";
  private session: MediaSession | null = null; // open for use
  private opening: MediaSession | null = null;

  constructor(
    private readonly meeting: Meeting,
    private readonly frames: Frames,
  ) {
    const person = (leaf: number) => meeting.roster().find((p) => p.leaf === leaf);
    this.slots = new Slots({
      emit: (event) => this.emit(event),
      isHere: (leaf) => person(leaf) !== undefined,
      isMe: (leaf) => person(leaf)?.me ?? false,
    });
    this.stops.push(
      () => frames.close(),
      frames.on((event) => this.slots.show(event)),
      meeting.on((event) => {
        if (event.type === "media") this.hear(event.body);
        if (event.type === "gone") this.slots.forget(event.leaf);
        if (event.type === "phase" && event.phase === "in-meeting") void this.begin();
      }),
    );
  }

  /* ---- Beginning ---- */

  /** At first, and whenever the connection is back: the switch forgets a member's transports when it
   * is cut (docs/PROTOCOL.md section 9). */
  async begin(): Promise<void> {
    this.endSession();
    this.tell("connecting");
    let mine: MediaSession | undefined;
    const options = {
      /* What a session of before still says is of transports that are no more. */
      say: (request: MediaRequest) => {
        if (mine === this.opening || mine === this.session) this.say(request);
      },
      frames: this.frames,
      slot: (id: string, track: MediaStreamTrack) => this.slots.fill(id, track),
      speakers: (leaves: readonly number[]) => this.slots.hearSpeakers(leaves),
      refused: () => this.tell("refused"),
    };
    try {
      await MediaSession.open(options, (made) => (this.opening = mine = made));
    } catch (error) {
      if (this.opening === mine) this.tell("refused");
      else return; /* another has begun meanwhile */
      throw error;
    }
    if (mine === undefined || this.opening !== mine) return;
    [this.session, this.opening] = [mine, null];
    for (const [source, track] of this.sources) await mine.publish(source, track);
    await mine.want(this.wants);
  }

  private say(request: MediaRequest): void {
    void this.meeting.sendMedia(encodeMedia(request)).catch(() => this.lose());
  }

  private endSession(): void {
    const old = this.session ?? this.opening;
    this.session = this.opening = null;
    old?.close();
    this.slots.clear();
  }

  /* ---- What the switch says ---- */

  private hear(body: Uint8Array): void {
    const reply = decodeMedia(body);
    if (reply === null) return;
    (this.session ?? this.opening)?.hear(reply);
    if (reply.kind !== "state") return;
    if (reply.state === "connected") void this.connected();
    if (reply.state === "lost") this.lose();
  }

  private async connected(): Promise<void> {
    this.tell("connected", null);
    const report = await this.session?.stats("send");
    for (const entry of (report?.values() ?? []) as Iterable<TransportStats>)
      if (entry.type === "transport" && entry.srtpCipher) this.tell("connected", entry.srtpCipher);
  }

  private lose(): void {
    if (this.state === "connected") this.tell("lost");
  }

  private tell(state: LineState, cipher: string | null = null): void {
    this.state = state;
    this.emit({ type: "state", state, cipher });
  }

  private emit(event: LineEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  /* ---- What the user wants ---- */

  on(listener: (event: LineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async publish(source: Source, track: MediaStreamTrack | null): Promise<void> {
    if (track === null) {
      this.sources.delete(source);
      this.session?.unpublish(source);
    } else {
      this.sources.set(source, track);
      await this.session?.publish(source, track);
    }
  }

  want(wants: readonly Want[]): void {
    this.wants = wants;
    void this.session?.want(wants).catch(() => this.lose());
  }

  close(): void {
    this.listeners.clear();
    for (const stop of this.stops.splice(0)) stop();
    this.endSession();
  }
}

export async function openLine(meeting: Meeting): Promise<MediaLine> {
  const line = new SwitchLine(meeting, await meeting.frames());
  try {
    await line.begin();
  } catch (error) {
    line.close();
    throw error;
  }
  return line;
}
