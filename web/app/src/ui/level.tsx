/* How loud the microphone is, ten times a second. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text";

const FLOOR_DB = -60;

/* From a block of samples to 0..1 on a scale that matches the ear. */
function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

export function LevelMeter({ track }: { track: MediaStreamTrack | null }): JSX.Element {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (track === null) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const level = loudness(samples);
      bar.current?.style.setProperty("--level", String(level));
      bar.current?.setAttribute("aria-valuenow", String(Math.round(level * 100)));
    }, 100);
    return () => {
      clearInterval(timer);
      bar.current?.style.setProperty("--level", "0");
      void context.close();
    };
  }, [track]);
  return (
    <div
      class="level"
      ref={bar}
      role="meter"
      aria-label={t.devices.level}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    >
      <span />
    </div>
  );
}

/** Two short notes at the speaker that was chosen. */
export async function playSample(speaker: string): Promise<void> {
  const context = new AudioContext() as AudioContext & {
    setSinkId?: (id: string) => Promise<void>;
  };
  if (speaker !== "") await context.setSinkId?.(speaker).catch(() => undefined);
  const gain = context.createGain();
  gain.gain.value = 0.15;
  gain.connect(context.destination);
  for (const [i, hertz] of [523.25, 659.25].entries()) {
    const note = context.createOscillator();
    note.frequency.value = hertz;
    note.connect(gain);
    note.start(context.currentTime + i * 0.25);
    note.stop(context.currentTime + i * 0.25 + 0.22);
  }
  setTimeout(() => void context.close(), 800);
}
