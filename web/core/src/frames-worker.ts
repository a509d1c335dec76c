/* Frames of RTCRtpSender and RTCRtpReceiver, sealed and opened whole. What does not open is dropped:
 * there is no pass-through. */
import { type EpochMessage, FrameCrypt, keysOnly, type RunMessage } from "./frame-crypt.js";
import { FrameStream } from "./frame-stream.js";
import type { FrameOptions, FramesTold, OpenOptions } from "./frames.js";
import { Module } from "./module.js";
import type { Source } from "./types.js";

interface EncodedFrame {
  data: ArrayBuffer;
  getMetadata(): { synchronizationSource?: number };
}

interface Transformer {
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  readonly options: FrameOptions;
  sendKeyFrameRequest?(): Promise<void>;
}

type Message =
  | { readonly what: "begin"; readonly module: WebAssembly.Module }
  | { readonly what: "keys"; readonly port: MessagePort }
  | { readonly what: "stats" };

const scope = globalThis as unknown as {
  postMessage(message: FramesTold): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onrtctransform: ((event: { transformer: Transformer }) => void) | null;
};

/* As often a key frame is asked for, in milliseconds: as src/call does. */
const KEY_FRAME_AGAIN = 500;

let begun: (crypt: FrameCrypt) => void;
const crypt = new Promise<FrameCrypt>((resolve) => {
  begun = resolve;
});

function sealer(c: FrameCrypt, source: Source) {
  const layers: number[] = []; // synchronisation sources, in the order they came
  return async (frame: EncodedFrame): Promise<EncodedFrame | null> => {
    const ssrc = frame.getMetadata().synchronizationSource ?? 0;
    let layer = layers.indexOf(ssrc);
    if (layer < 0) layer = layers.push(ssrc) - 1;
    const sealed = await c.seal(source, layer, new Uint8Array(frame.data));
    if (sealed === null) return null;
    frame.data = sealed.buffer;
    return frame;
  };
}

const streams = new Set<FrameStream>(); // of all receivers

function opener(c: FrameCrypt, transformer: Transformer, { kind, id }: OpenOptions) {
  const stream = new FrameStream(kind);
  let asked = 0;
  streams.add(stream); // as long as the worker is there, which is one meeting
  const wantKeyFrame = () => {
    if (kind !== "video" || performance.now() < asked + KEY_FRAME_AGAIN) return;
    asked = performance.now();
    transformer.sendKeyFrameRequest?.().catch(() => undefined); // the receiver may be gone
  };
  return async (frame: EncodedFrame): Promise<EncodedFrame | null> => {
    const opened = await c.open(kind, new Uint8Array(frame.data));
    if (opened === null || !stream.follows(opened, opened.frame)) {
      wantKeyFrame();
      return null;
    }
    const { leaf, source } = opened;
    if (stream.take(opened))
      scope.postMessage({ what: "event", event: { type: "shows", id, leaf, source } });
    frame.data = opened.frame.buffer;
    return frame;
  };
}

function take(c: FrameCrypt, message: EpochMessage | RunMessage): void {
  if ("run" in message) return c.run(message);
  c.epoch(message);
  for (const stream of streams) stream.forget(message.removed);
}

async function run(transformer: Transformer): Promise<void> {
  const c = await crypt;
  const { options } = transformer;
  const work =
    options.side === "seal"
      ? sealer(c, options.source)
      : opener(c, transformer, options);
  const stream = new TransformStream<EncodedFrame, EncodedFrame>({
    async transform(frame, controller) {
      const done = await work(frame);
      if (done !== null) controller.enqueue(done);
    },
  });
  await transformer.readable.pipeThrough(stream).pipeTo(transformer.writable);
}

scope.onrtctransform = (event) => {
  run(event.transformer).catch(() => undefined); // the connection is closed
};

scope.onmessage = (event) => {
  const message = event.data as Message;
  switch (message.what) {
    case "begin":
      void Module.load(message.module, keysOnly).then((module) => {
        begun(new FrameCrypt(module));
        scope.postMessage({ what: "begun" });
      });
      break;
    case "keys":
      message.port.onmessage = ({ data }) => void crypt.then((c) => take(c, data));
      break;
    case "stats":
      void crypt.then((c) => scope.postMessage({ what: "stats", stats: c.stats() }));
      break;
  }
};
