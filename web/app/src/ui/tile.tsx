/* One participant's picture, or letters in its place, with the name and what was verified of it. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Person, Source } from "../../../core/src/types";
import { pictureOf, screenTrack, tracks } from "../state/call";
import { cameraOn, cameraTrack, chosen, microphoneOn } from "../state/devices";
import { app } from "../state/store";
import { t } from "../text";
import { Icon } from "./icons";
import { Avatar, Badge, SameNameMark } from "./identity";

export function Video(p: {
  track: MediaStreamTrack;
  mirrored?: boolean;
  fit?: boolean;
}): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (video === null) return;
    video.srcObject = new MediaStream([p.track]);
    void video.play().catch(() => undefined); /* goes on by itself once it may */
    return () => {
      video.srcObject = null;
    };
  }, [p.track]);
  const look = `${p.mirrored ? "mirrored" : ""} ${p.fit ? "fit" : ""}`;
  return <video ref={ref} class={look} muted playsInline autoPlay aria-hidden="true" />;
}

/** The sound of everybody, at the speaker that was chosen. */
export function Sound(): JSX.Element {
  const sounds = [...tracks.value].filter(([key]) => key.endsWith("/audio"));
  return (
    <>
      {sounds.map(([key, track]) => (
        <SoundOf key={key} track={track} speaker={chosen.value.speaker ?? ""} />
      ))}
    </>
  );
}

function SoundOf(p: { track: MediaStreamTrack; speaker: string }): JSX.Element {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = ref.current;
    if (audio === null) return;
    audio.srcObject = new MediaStream([p.track]);
    void audio.play().catch(() => undefined);
    return () => {
      audio.srcObject = null;
    };
  }, [p.track]);
  useEffect(() => {
    const audio = ref.current as
      | (HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> })
      | null;
    void audio?.setSinkId?.(p.speaker).catch(() => undefined); /* one that is gone: the system's */
  }, [p.speaker]);
  return <audio ref={ref} autoPlay />;
}

function trackOf(person: Person, source: Source): MediaStreamTrack | null {
  if (!person.me) return pictureOf(person, source);
  if (source === "screen") return screenTrack.value;
  return cameraOn.value ? cameraTrack.value : null;
}

function Label({ person, screen }: { person: Person; screen: boolean }): JSX.Element {
  const name = person.name || t.common.unnamed;
  const muted = person.me ? !microphoneOn.value : person.sends?.audio === false;
  return (
    <span class="tile-label">
      {muted && !screen && (
        <span class="tile-muted" role="img" aria-label={t.people.muted} title={t.people.muted}>
          <Icon name="mic-off" size={14} />
        </span>
      )}
      {screen && <Icon name="share" size={14} />}
      <span class="tile-name">{name}</span>
      {person.me && <span class="tile-you">({t.common.you})</span>}
      <Badge identity={person.identity} />
      {person.sameName && <SameNameMark />}
    </span>
  );
}

export function Tile(p: {
  person: Person;
  source?: Source;
  large?: boolean;
  style?: JSX.CSSProperties;
}): JSX.Element {
  const { person } = p;
  const source = p.source ?? "camera";
  const track = trackOf(person, source);
  const s = app.value;
  const speaking = source !== "screen" && s.speakers[0] === person.leaf;
  const reactions = s.reactions.filter((r) => r.leaf === person.leaf);
  return (
    <li
      class={`tile ${speaking ? "speaking" : ""} ${p.large ? "large" : ""}`}
      style={p.style}
      data-leaf={person.leaf}
    >
      {track !== null ? (
        <Video
          track={track}
          mirrored={person.me && source === "camera"}
          fit={source === "screen"}
        />
      ) : (
        <Avatar name={person.name} size="large" />
      )}
      {speaking && <span class="hidden">{t.people.speaking}</span>}
      {!person.connected && (
        <span class="tile-state">
          <Icon name="away" size={16} />
          <span>{t.people.away}</span>
        </span>
      )}
      {person.hand && (
        <span class="tile-hand" title={t.people.handUp}>
          <Icon name="hand" size={18} />
          <span class="hidden">{t.people.handUp}</span>
        </span>
      )}
      <span class="tile-reactions" aria-hidden="true">
        {reactions.map((r) => (
          <span key={r.key}>{r.emoji}</span>
        ))}
      </span>
      <Label person={person} screen={source === "screen"} />
    </li>
  );
}
