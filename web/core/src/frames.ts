/* The page's end of the frames' worker. */
import type { FrameEvent, Frames, FrameStats, Source } from "./types.js";

/* Not in TypeScript's library of 5.8. */
declare class RTCRtpScriptTransform {
  constructor(worker: Worker, options: unknown, transfer?: Transferable[]);
}

export interface OpenOptions {
  readonly side: "open";
  readonly kind: "audio" | "video";
  readonly id: string;
}
export type FrameOptions = { readonly side: "seal"; readonly source: Source } | OpenOptions;

export type FramesMessage =
  | { readonly what: "begin"; readonly module: WebAssembly.Module; readonly port: MessagePort }
  | { readonly what: "stats" };

export type FramesTold =
  | { readonly what: "begun" }
  | { readonly what: "event"; readonly event: FrameEvent }
  | { readonly what: "stats"; readonly stats: FrameStats };

export class FramesInPage implements Frames {
  private readonly listeners = new Set<(event: FrameEvent) => void>();
  private readonly asked: ((stats: FrameStats) => void)[] = [];

  constructor(
    private readonly worker: Worker,
    port: MessagePort,
  ) {
    worker.onmessage = (event: MessageEvent) => this.hear(event.data as FramesTold);
    worker.postMessage({ what: "keys", port }, [port]);
  }

  private hear(told: FramesTold): void {
    if (told.what === "event") for (const listener of [...this.listeners]) listener(told.event);
    if (told.what === "stats") this.asked.shift()?.(told.stats);
  }

  private transform(options: FrameOptions): RTCRtpTransform {
    return new RTCRtpScriptTransform(this.worker, options) as unknown as RTCRtpTransform;
  }
  seal(sender: RTCRtpSender, source: Source): void {
    sender.transform = this.transform({ side: "seal", source });
  }
  open(receiver: RTCRtpReceiver, kind: "audio" | "video", id: string): void {
    receiver.transform = this.transform({ side: "open", kind, id });
  }
  on(listener: (event: FrameEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  stats(): Promise<FrameStats> {
    return new Promise((resolve) => {
      this.asked.push(resolve);
      this.worker.postMessage({ what: "stats" });
    });
  }
  close(): void {
    this.listeners.clear();
    this.worker.terminate();
  }
}
