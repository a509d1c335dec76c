/* Camera, microphone, speaker: what there is, what is chosen, what is on. Nothing is asked of the
 * browser before the user came to the device check. */
import { computed, signal } from "@preact/signals";
import { keep, type Settings } from "./keep";

export type DeviceProblem = "no-camera" | "no-microphone" | "denied" | "busy" | "failed";
export type Kind = "camera" | "microphone";

export const cameras = signal<readonly MediaDeviceInfo[]>([]);
export const microphones = signal<readonly MediaDeviceInfo[]>([]);
export const speakers = signal<readonly MediaDeviceInfo[]>([]);
export const chosen = signal<Settings>({});

export const wantCamera = signal(true);
export const wantMicrophone = signal(true);
export const cameraTrack = signal<MediaStreamTrack | null>(null);
export const microphoneTrack = signal<MediaStreamTrack | null>(null);
export const problems = signal<Readonly<Partial<Record<Kind, DeviceProblem>>>>({});
export const starting = signal(false);

export const cameraOn = computed(() => wantCamera.value && cameraTrack.value !== null);
export const microphoneOn = computed(() => wantMicrophone.value && microphoneTrack.value !== null);

/* Web IDL names of getUserMedia's errors. */
function problemOf(kind: Kind, error: unknown): DeviceProblem {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return kind === "camera" ? "no-camera" : "no-microphone";
  return name === "NotReadableError" || name === "AbortError" ? "busy" : "failed";
}

function setProblem(kind: Kind, problem: DeviceProblem | null): void {
  const { [kind]: _, ...others } = problems.value;
  problems.value = problem === null ? others : { ...others, [kind]: problem };
}

async function list(): Promise<void> {
  const found = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind) => found.filter((d) => d.kind === kind && d.deviceId !== "");
  cameras.value = of("videoinput");
  microphones.value = of("audioinput");
  speakers.value = of("audiooutput");
}

const deviceOf = (kind: Kind): { deviceId?: ConstrainDOMString } => {
  const id = kind === "camera" ? chosen.value.camera : chosen.value.microphone;
  return id === undefined ? {} : { deviceId: { ideal: id } };
};

const constraintsOf = (kind: Kind): MediaStreamConstraints =>
  kind === "camera"
    ? { video: { width: { ideal: 1280 }, height: { ideal: 720 }, ...deviceOf(kind) } }
    : { audio: { echoCancellation: true, noiseSuppression: true, ...deviceOf(kind) } };

const slotOf = (kind: Kind) => (kind === "camera" ? cameraTrack : microphoneTrack);

function stop(kind: Kind): void {
  const slot = slotOf(kind);
  slot.value?.stop();
  slot.value = null;
}

/** Opens one device anew; what goes wrong is in `problems`. */
async function start(kind: Kind): Promise<void> {
  stop(kind);
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraintsOf(kind));
    const track = stream.getTracks()[0] ?? null;
    const slot = slotOf(kind);
    stop(kind); /* of a start at the same time */
    slot.value = track;
    if (track !== null)
      track.onended = () => {
        if (slot.value === track) slot.value = null;
        setProblem(kind, "failed");
      };
    setProblem(kind, null);
  } catch (error) {
    setProblem(kind, problemOf(kind, error));
  }
}

/** For the device check: both, as far as they are wanted. */
export async function startDevices(): Promise<void> {
  starting.value = true;
  try {
    chosen.value = (await keep.settings.get("devices")) ?? {};
    if (wantMicrophone.value && microphoneTrack.value === null) await start("microphone");
    if (wantCamera.value && cameraTrack.value === null) await start("camera");
    await list();
    navigator.mediaDevices.ondevicechange = () => void list();
  } catch {
    setProblem("camera", "failed"); /* a browser without navigator.mediaDevices */
    setProblem("microphone", "failed");
  } finally {
    starting.value = false;
  }
}

export function stopDevices(): void {
  stop("camera");
  stop("microphone");
}

export async function choose(kind: Kind | "speaker", id: string): Promise<void> {
  chosen.value = { ...chosen.value, [kind]: id };
  await keep.settings.put("devices", chosen.value).catch(() => undefined); /* for comfort */
  if (kind === "speaker") return;
  const wanted = kind === "camera" ? wantCamera : wantMicrophone;
  if (wanted.value) await start(kind);
}

/** Off means off: the camera's light goes out, and the microphone is let go. */
export async function toggle(kind: Kind): Promise<void> {
  const wanted = kind === "camera" ? wantCamera : wantMicrophone;
  const on = kind === "camera" ? cameraOn.value : microphoneOn.value;
  wanted.value = !on;
  if (on) stop(kind);
  else await start(kind);
  await list();
}
