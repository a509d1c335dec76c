/* Pictures without a network: a few painted people, who move a little. */
import type { Source } from "../../../core/src/types";
import type { LineEvent, MediaLine, Want } from "../../src/engine/engine";

const PALETTE = [
  ["#31456b", "#8fb0e8", "#e8b98f"],
  ["#5a3e4f", "#e0a3b8", "#c98f6d"],
  ["#2f5450", "#9fd6c6", "#f0cda8"],
  ["#4f4a2f", "#ddd09a", "#9c6b4c"],
  ["#3f3a63", "#b9aef0", "#edc3a4"],
  ["#5b3a32", "#f0b39a", "#7d543b"],
] as const;

function paintPerson(g: CanvasRenderingContext2D, seed: number, time: number): void {
  const { width: w, height: h } = g.canvas;
  const [back, light, skin] = PALETTE[seed % PALETTE.length] ?? PALETTE[0];
  const sway = Math.sin(time / 700 + seed) * w * 0.008;
  const glow = g.createRadialGradient(w * 0.7, h * 0.2, 0, w * 0.7, h * 0.2, w * 0.8);
  glow.addColorStop(0, light);
  glow.addColorStop(1, back);
  g.fillStyle = glow;
  g.fillRect(0, 0, w, h);
  g.fillStyle = back;
  g.beginPath();
  g.ellipse(w / 2 + sway, h * 1.05, w * 0.26, h * 0.42, 0, 0, 7);
  g.fill();
  g.fillStyle = skin;
  g.beginPath();
  g.ellipse(w / 2 + sway * 2, h * 0.45, h * 0.15, h * 0.2, 0, 0, 7);
  g.fill();
  g.fillStyle = "#2a211d";
  g.beginPath();
  g.ellipse(w / 2 + sway * 2, h * 0.34, h * 0.165, h * 0.13, 0, Math.PI, 7);
  g.fill();
}

function paintScreen(g: CanvasRenderingContext2D): void {
  const { width: w, height: h } = g.canvas;
  g.fillStyle = "#f7f8fb";
  g.fillRect(0, 0, w, h);
  g.fillStyle = "#20304f";
  g.font = `600 ${h * 0.07}px sans-serif`;
  g.fillText("Quarterly review", w * 0.07, h * 0.15);
  for (let i = 0; i < 8; i++) {
    g.fillStyle = i === 5 ? "#2353d4" : "#b9c6e4";
    const tall = h * (0.18 + 0.4 * Math.abs(Math.sin(i * 1.3)));
    g.fillRect(w * (0.08 + i * 0.105), h * 0.88 - tall, w * 0.07, tall);
  }
}

export function painted(seed: number, source: Source): MediaStreamTrack | null {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = source === "screen" ? [1280, 720] : [640, 360];
  const g = canvas.getContext("2d");
  if (g === null) return null;
  const paint = () =>
    source === "screen" ? paintScreen(g) : paintPerson(g, seed, performance.now());
  paint();
  setInterval(paint, 200);
  return canvas.captureStream(10).getVideoTracks()[0] ?? null;
}

export class ScriptedLine implements MediaLine {
  private readonly listeners = new Set<(event: LineEvent) => void>();
  readonly published = new Map<Source, boolean>();
  wants: readonly Want[] = [];

  emit(event: LineEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }
  show(leaf: number, source: Source): void {
    this.emit({ type: "track", leaf, source, track: painted(leaf, source) });
  }
  on(listener: (event: LineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  publish(source: Source, track: MediaStreamTrack | null): Promise<void> {
    this.published.set(source, track !== null);
    return Promise.resolve();
  }
  want(wants: readonly Want[]): void {
    this.wants = wants;
  }
  close(): void {
    this.listeners.clear();
  }
}
