/* Media of a meeting, by the media switch: web/media speaks with it, the core's workers seal and open
 * frames. The switch fills slots; who is in one is the SFrame key ID's word. */
import {
  decodeMedia,
  encodeMedia,
  type FrameEvent,
  type Meeting,
  type Source,
} from "../../../core/src/index";
import { MediaSession } from "../../../media/src/index";
import type { LineEvent, LineState, MediaLine, Want } from "./engine";

interface Shown {
  readonly leaf: number;
  readonly source: Source;
}

/* RTCTransportStats, of which TypeScript's library does not know this. */
interface TransportStats {
  readonly type: string;
  readonly srtpCipher?: string;
}

class SwitchLine implements MediaLine {
  private readonly listeners = new Set<(event: LineEvent) => void>();
  private readonly slots = new Map<string, MediaStreamTrack>(); // by id
  private readonly shown = new Map<string, Shown>(); // likewise
  private readonly stops: (() => void)[] = [];
  private state: LineState = "connecting";
  session: MediaSession | null = null;
  ready: Promise<void> = Promise.resolve();

  constructor(private readonly meeting: Meeting) {}

  async open(): Promise<void> {
    const frames = await this.meeting.frames();
    this.stops.push(
      () => frames.close(),
      frames.on((event) => this.show(event)),
      this.meeting.on((event) => {
        if (event.type === "media") this.hear(event.body);
        if (event.type === "phase" && event.phase === "in-meeting") this.resume();
      }),
    );
    const send = this.meeting;
    this.ready = MediaSession.open(
      {
        say: (request) => void send.sendMedia(encodeMedia(request)).catch(() => this.lose()),
        frames,
        slot: (id, track) => this.fill(id, track),
        speakers: (leaves) => this.emit({ type: "speakers", leaves }),
        refused: () => this.tell("refused"),
      },
      (session) => (this.session = session),
    );
    await this.ready;
  }

  /* ---- What the switch says ---- */

  private hear(body: Uint8Array): void {
    const reply = decodeMedia(body);
    if (reply === null) return;
    this.session?.hear(reply);
    if (reply.kind !== "state") return;
    if (reply.state === "connected") void this.connected();
    if (reply.state === "lost") this.lose();
  }

  private async connected(): Promise<void> {
    this.tell("connected", null);
    const report = await this.session?.stats("send");
    for (const entry of (report?.values() ?? []) as Iterable<TransportStats>)
      if (entry.type === "transport" && entry.srtpCipher)
        this.tell("connected", entry.srtpCipher);
  }

  private lose(): void {
    if (this.state === "connected") this.tell("lost");
  }

  /* The switch forgets the transports of a connection that was cut. */
  private resume(): void {
    for (const direction of ["send", "recv"] as const)
      void this.session?.restart(direction).catch(() => this.lose());
  }

  private tell(state: LineState, cipher: string | null = null): void {
    this.state = state;
    this.emit({ type: "state", state, cipher });
  }

  /* ---- Who is in which slot ---- */

  private fill(id: string, track: MediaStreamTrack): void {
    this.slots.set(id, track);
    const shown = this.shown.get(id);
    if (shown !== undefined) this.emit({ type: "track", ...shown, track });
  }

  private show(event: FrameEvent): void {
    const before = this.shown.get(event.id);
    const { leaf, source } = event;
    if (before !== undefined && (before.leaf !== leaf || before.source !== source)) {
      this.shown.delete(event.id);
      this.emit({ type: "track", ...before, track: null });
    }
    if (leaf === null) return;
    this.shown.set(event.id, { leaf, source });
    const track = this.slots.get(event.id);
    if (track !== undefined) this.emit({ type: "track", leaf, source, track });
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
    await this.ready;
    if (track === null) this.session?.unpublish(source);
    else await this.session?.publish(source, track);
  }

  want(wants: readonly Want[]): void {
    void this.ready.then(() => this.session?.want(wants)).catch(() => this.lose());
  }

  close(): void {
    this.listeners.clear();
    for (const stop of this.stops.splice(0)) stop();
    this.session?.close();
  }
}

export async function openLine(meeting: Meeting): Promise<MediaLine> {
  const line = new SwitchLine(meeting);
  try {
    await line.open();
  } catch (error) {
    line.close();
    throw error;
  }
  return line;
}
