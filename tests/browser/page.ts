/* A bare page that is in a meeting: publishes what it is given, shows what it gets, and answers
 * what the test asks of it. Its control connection is the test: window.sayToSwitch() and hear(). */
import { decodeMedia, encodeMedia, type MediaRequest } from "../../web/core/src/media-message.js";
import { MediaSession } from "../../web/media/src/session.js";
import type { Task } from "./stand_in.js";

declare global {
  interface Window {
    sayToSwitch(hex: string): Promise<void>;
    member: Member;
  }
}
declare const RTCRtpScriptTransform: new (worker: Worker, task: Task) => unknown;

export interface Place {
  readonly leaf: number;
  readonly epoch: number;
  readonly address: string; // of the relay before the switch
  readonly port: number;
}

const hexOf = (data: Uint8Array) =>
  Array.from(data, (b) => b.toString(16).padStart(2, "0")).join("");
const bytesOf = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Slot {
  readonly receiver: RTCRtpReceiver;
  readonly element: HTMLVideoElement;
  readonly kind: string;
  leaf: number | null;
}

class Member {
  readonly #place: Place;
  readonly #worker = new Worker("stand_in.js");
  readonly #slots = new Map<string, Slot>();
  #session: MediaSession | null = null;
  speakers: readonly number[] = [];
  flows: string[] = [];
  refused = 0;

  constructor(place: Place) {
    this.#place = place;
    this.#worker.onmessage = ({ data: { id, leaf } }) => {
      const slot = this.#slots.get(id);
      if (slot !== undefined) slot.leaf = leaf;
    };
  }

  #transform(of: RTCRtpSender | RTCRtpReceiver, task: Task) {
    Object.assign(of, { transform: new RTCRtpScriptTransform(this.#worker, task) });
  }

  async join() {
    const { leaf, epoch } = this.#place;
    const say = (request: MediaRequest) => void window.sayToSwitch(hexOf(encodeMedia(request)));
    await MediaSession.open(
      {
        say,
        frames: {
          seal: (sender, source) =>
            this.#transform(sender, {
              seal: { leaf, epoch },
              kind: source === "audio" ? "audio" : "video",
            }),
          open: (receiver, kind, id) => {
            const element = document.createElement("video");
            this.#slots.set(id, { receiver, element, kind, leaf: null });
            this.#transform(receiver, { open: { id }, kind });
          },
        },
        slot: (id, track) => this.#show(id, track),
        speakers: (leaves) => (this.speakers = leaves),
        flows: (flows) => this.flows.push(...flows.map((f) => `${f.leaf} ${f.source} ${f.state}`)),
        refused: () => this.refused++,
      },
      (session) => (this.#session = session),
    );
  }

  #show(id: string, track: MediaStreamTrack) {
    const { element } = this.#slots.get(id)!;
    element.muted = true;
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
    void element.play().catch(() => {});
  }

  hear(hex: string) {
    const reply = decodeMedia(bytesOf(hex));
    const { address, port } = this.#place;
    if (reply === null) return;
    const through = reply.kind === "answer" ? { ...reply, candidates: [{ address, port }] } : reply;
    this.#session!.hear(through);
  }

  async publish(width: number, height: number, frameRate: number) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: true,
      video: { width, height, frameRate },
    });
    await this.#session!.publish("audio", stream.getAudioTracks()[0]!);
    await this.#session!.publish("camera", stream.getVideoTracks()[0]!);
  }

  unpublish() {
    this.#session!.unpublish("camera");
  }

  want(leaf: number, height: number) {
    return this.#session!.want([{ leaf, source: "camera", height }]);
  }

  async restart() {
    await this.#session!.restart("send");
    await this.#session!.restart("recv");
  }

  #of(leaf: number, kind: string) {
    return [...this.#slots.values()].find((slot) => slot.leaf === leaf && slot.kind === kind);
  }

  /** What is seen of a member now: size, how bright on average (0 to 255), and a sum over all. */
  picture(leaf: number) {
    const video = this.#of(leaf, "video")?.element;
    if (video === undefined || video.videoWidth === 0) return null;
    const canvas = document.createElement("canvas");
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let bright = 0;
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) {
      bright += (data[i]! + data[i + 1]! + data[i + 2]!) / 3;
      sum = (sum * 31 + data[i]! + 3 * data[i + 1]! + 7 * data[i + 2]!) % 1000003;
    }
    return { height: video.videoHeight, bright: bright / (data.length / 4), sum };
  }

  /** The loudest that is heard of a member within so many seconds: peak (0 to 1) and its hertz.
   * Firefox analyses nothing without a sound device: there it is the level that packets tell. */
  async tone(leaf: number, seconds: number) {
    const slot = this.#of(leaf, "audio");
    if (slot === undefined) return null;
    const { receiver, element } = slot;
    const context = new AudioContext();
    const late = pause(1000).then(() => "late");
    if ((await Promise.race([context.resume(), late])) === "late")
      return { peak: receiver.getSynchronizationSources()[0]?.audioLevel ?? 0, hertz: 0 };
    const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(element.srcObject as MediaStream).connect(analyser);
    const wave = new Float32Array(analyser.fftSize);
    const bins = new Float32Array(analyser.frequencyBinCount);
    let loudest = { peak: 0, hertz: 0 };
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await pause(20)) {
      analyser.getFloatTimeDomainData(wave);
      const peak = wave.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      if (peak <= loudest.peak) continue;
      analyser.getFloatFrequencyData(bins);
      const bin = bins.indexOf(bins.reduce((most, v) => Math.max(most, v), -Infinity));
      loudest = { peak, hertz: (bin * context.sampleRate) / analyser.fftSize };
    }
    await context.close();
    return loudest;
  }

  /** getStats() of a transport: what it says, by type. */
  async stats(direction: "send" | "recv") {
    const all: Record<string, unknown>[] = [];
    (await this.#session!.stats(direction)).forEach((entry) => all.push({ ...entry }));
    return all;
  }

  leave() {
    this.#session!.close();
  }
}

Object.assign(window, { Member });
