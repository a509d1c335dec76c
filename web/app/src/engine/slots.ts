/* Whose sound and pictures come in which slot. The switch fills slots with one member after another; who
 * is in one is the SFrame key ID's word (docs/MEDIA.md), and is forgotten with the member. */
import type { FrameEvent, Source } from "../../../core/src/types";
import type { LineEvent } from "./engine";

interface Shown {
  readonly leaf: number;
  readonly source: Source;
}

export interface Room {
  emit(event: LineEvent): void;
  isHere(leaf: number): boolean; // in the meeting, by our own list
  isMe(leaf: number): boolean;
}

export class Slots {
  private readonly tracks = new Map<string, MediaStreamTrack>(); // by id
  private readonly shown = new Map<string, Shown>(); // likewise
  private loud: readonly number[] = [];

  constructor(private readonly room: Room) {}

  fill(id: string, track: MediaStreamTrack): void {
    this.tracks.set(id, track);
    const shown = this.shown.get(id);
    if (shown !== undefined) this.room.emit({ type: "track", ...shown, track });
  }

  show({ id, leaf, source }: FrameEvent): void {
    this.release(id);
    /* Opened while its sender was being removed: the next on that leaf is somebody else. */
    if (!this.room.isHere(leaf)) return;
    this.shown.set(id, { leaf, source });
    const track = this.tracks.get(id);
    if (track !== undefined) this.room.emit({ type: "track", leaf, source, track });
    if (source === "audio") this.tellSpeakers();
  }

  /** It no longer shows whom it did; another slot may by now. */
  private release(id: string): void {
    const before = this.shown.get(id);
    if (before === undefined) return;
    this.shown.delete(id);
    const { leaf, source } = before;
    const other = [...this.shown].find(([, s]) => s.leaf === leaf && s.source === source);
    const track = other === undefined ? null : (this.tracks.get(other[0]) ?? null);
    this.room.emit({ type: "track", leaf, source, track });
  }

  forget(leaf: number): void {
    for (const [id, shown] of [...this.shown]) if (shown.leaf === leaf) this.release(id);
    this.tellSpeakers();
  }

  clear(): void {
    for (const id of [...this.shown.keys()]) this.release(id);
    this.tracks.clear();
    this.loud = [];
  }

  /** Who speaks is the switch's word: it holds for those whose sound is here, and for us. */
  hearSpeakers(leaves: readonly number[]): void {
    this.loud = leaves;
    this.tellSpeakers();
  }

  private tellSpeakers(): void {
    const sounds = [...this.shown.values()].filter((s) => s.source === "audio");
    const heard = new Set(sounds.map((s) => s.leaf));
    const leaves = this.loud.filter((leaf) => this.room.isMe(leaf) || heard.has(leaf));
    this.room.emit({ type: "speakers", leaves });
  }
}
