/* Which of the frames that opened may be seen and heard, as src/call/frame.c says it of a stream: in
 * the order in which they were sealed, and each member's pictures from a key frame on. */
import type { Source } from "./types.js";

/** Of a frame that opened. */
export interface Sealed {
  readonly leaf: number;
  readonly source: Source;
  readonly epoch: number;
  readonly context: number; // source, layer and run: what a counter counts in
  readonly counter: number;
}

/* A frame that was lost is sent again, and comes after those that follow it. Later than that it was
 * kept back, and is not to be seen or heard as if it was said now; in milliseconds. */
export const LATE = 1000;

interface Count {
  floor: number; // no counter up to it is taken any more
  readonly epoch: number;
  readonly seen: { readonly counter: number; readonly at: number }[]; // of late
}

/** Counters of all members: a sender's rise, in whatever streams its frames come. */
export class Counters {
  private readonly counts = new Map<string, Count>();

  isLate({ leaf, epoch, context, counter }: Sealed, now: number): boolean {
    const name = `${epoch}/${leaf}/${context}`;
    let count = this.counts.get(name);
    if (count === undefined) {
      count = { floor: -1, epoch, seen: [] };
      this.counts.set(name, count);
    }
    while (count.seen.length > 0 && count.seen[0]!.at < now - LATE)
      count.floor = Math.max(count.floor, count.seen.shift()!.counter);
    if (counter <= count.floor) return true;
    count.seen.push({ counter, at: now });
    return false;
  }

  /** Of other epochs nothing opens any more. */
  keep(epochs: readonly number[]): void {
    for (const [name, count] of this.counts)
      if (!epochs.includes(count.epoch)) this.counts.delete(name);
  }
}

/** Of one receiver, which shows one member after another. */
export class FrameStream {
  private last: Sealed | null = null;

  constructor(private readonly kind: "audio" | "video") {}

  /** Whether it may be decoded after what was before. */
  follows(frame: Sealed, data: Uint8Array): boolean {
    const { last } = this;
    const same = last?.leaf === frame.leaf && last.context === frame.context;
    /* RFC 6386 9.1: the first bit of a picture is 0 in a key frame */
    const whole = this.kind === "audio" || (data[0]! & 1) === 0;
    return same || whole; /* nobody's picture builds on another's */
  }

  /** It is shown; whether it is of another member or source than before. */
  take(frame: Sealed): boolean {
    const before = this.last;
    this.last = frame;
    return before?.leaf !== frame.leaf || before.source !== frame.source;
  }

  /** Who was on these leaves is gone; whoever comes there next is somebody else. */
  forget(leaves: readonly number[]): void {
    if (this.last !== null && leaves.includes(this.last.leaf)) this.last = null;
  }
}
