/* Which camera, microphone and speaker; and what is wrong with them. */
import type { JSX } from "preact";
import * as devices from "../state/devices";
import { t } from "../text";
import { Button, ProblemBox, Select } from "./controls";
import { LevelMeter, playSample } from "./level";

const optionsOf = (list: readonly MediaDeviceInfo[], kind: string) =>
  list.map((d, i) => [d.deviceId, d.label || `${kind} ${i + 1}`] as const);

/** The track's own device: what is used, whatever was wished for. With none, what would be. */
function usedBy(
  track: MediaStreamTrack | null,
  wished: string | undefined,
  list: readonly MediaDeviceInfo[],
): string {
  const used = track?.getSettings().deviceId ?? wished;
  return list.some((d) => d.deviceId === used) ? (used ?? "") : (list[0]?.deviceId ?? "");
}

export function DeviceProblems(): JSX.Element | null {
  const found = [...new Set(Object.values(devices.problems.value))];
  if (found.length === 0) return null;
  return (
    <>
      {found.map((problem) => {
        const [text, next] = t.devices.problems[problem];
        return <ProblemBox key={problem} text={text} next={next} />;
      })}
      <Button small onClick={() => void devices.startDevices()}>
        {t.common.retry}
      </Button>
    </>
  );
}

export function DeviceChoice(): JSX.Element {
  const { chosen, cameras, microphones } = devices;
  const camera = usedBy(devices.cameraTrack.value, chosen.value.camera, cameras.value);
  const microphone = usedBy(
    devices.microphoneTrack.value,
    chosen.value.microphone,
    microphones.value,
  );
  const speakers = optionsOf(devices.speakers.value, t.devices.speaker);
  const speaker = chosen.value.speaker ?? speakers[0]?.[0] ?? "";
  return (
    <div class="stack">
      {cameras.value.length > 0 && (
        <Select
          label={t.devices.camera}
          icon="camera"
          value={camera}
          options={optionsOf(cameras.value, t.devices.camera)}
          onChange={(id) => void devices.choose("camera", id)}
        />
      )}
      {microphones.value.length > 0 && (
        <div>
          <Select
            label={t.devices.microphone}
            icon="mic"
            value={microphone}
            options={optionsOf(microphones.value, t.devices.microphone)}
            onChange={(id) => void devices.choose("microphone", id)}
          />
          <LevelMeter track={devices.microphoneOn.value ? devices.microphoneTrack.value : null} />
        </div>
      )}
      <div class="speaker-choice">
        <Select
          label={t.devices.speaker}
          icon="sound"
          value={speaker}
          options={speakers.length > 0 ? speakers : [["", t.devices.defaultSpeaker]]}
          onChange={(id) => void devices.choose("speaker", id)}
        />
        <Button onClick={() => void playSample(speaker)}>{t.devices.testSpeaker}</Button>
      </div>
    </div>
  );
}
