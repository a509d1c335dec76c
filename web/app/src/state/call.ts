/* A call: one meeting of the core and its media, told to the store. */
import type {
  Credential,
  Meeting,
  MeetingEvent,
  Person,
  Reason,
  Source,
} from "../../../core/src/types";
import { effect, signal } from "@preact/signals";
import type { LineEvent, MediaLine, Want } from "../engine/engine";
import { engine } from "#engine";
import { t } from "../text";
import {
  cameraOn,
  cameraTrack,
  microphoneOn,
  microphoneTrack,
  stopDevices,
  toggle,
} from "./devices";
import { resume } from "./keep";
import { canMedia, findPerson } from "./model";
import { problemOf } from "./problem";
import { app, dispatch, set } from "./store";

const REACTION_MS = 5000;
const CODE_QUIET_MS = 400;

/** Pictures and sound that are there now, by "LEAF/SOURCE". */
export const tracks = signal<ReadonlyMap<string, MediaStreamTrack>>(new Map());
export const screenTrack = signal<MediaStreamTrack | null>(null);
export const trackKey = (leaf: number, source: Source): string => `${leaf}/${source}`;

/** What there is to show of somebody else. The last picture stays in its track: whoever says that no
 * more are sent is not shown standing still. */
export function pictureOf(person: Person, source: Source): MediaStreamTrack | null {
  if (person.sends?.[source] === false) return null;
  return tracks.value.get(trackKey(person.leaf, source)) ?? null;
}

interface Call {
  readonly meeting: Meeting;
  line: MediaLine | null;
  readonly stops: (() => void)[];
}
let call: Call | null = null;

export const meeting = (): Meeting | null => call?.meeting ?? null;

/** Does what the user wants; what goes wrong is told. */
export async function attempt(work: (m: Meeting) => Promise<unknown>): Promise<boolean> {
  try {
    if (call !== null) await work(call.meeting);
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}

export function tell(error: unknown): void {
  const problem = problemOf(error);
  const { text: title, next } = problem;
  dispatch({ type: "notice", severity: "warning", title, next, at: Date.now() });
}

/* ---- What the core tells ---- */

function takeViews(m: Meeting): void {
  const views = {
    phase: m.phase,
    end: m.end,
    info: m.info(),
    roster: m.roster(),
    lobby: m.lobby(),
  };
  dispatch({ type: "views", views });
}

/* A code is costly on purpose, and the core does nothing else meanwhile. The next keys may be on their
 * way, and frames wait for them: first things are to be quiet. */
async function computeCode(m: Meeting, epoch: number): Promise<void> {
  const isOf = () => call?.meeting === m && m.info()?.epoch === epoch;
  dispatch({ type: "epoch" });
  await new Promise((resolve) => setTimeout(resolve, CODE_QUIET_MS));
  const code = isOf() ? await m.code() : null;
  if (isOf()) dispatch({ type: "code", code });
}

function showReaction(leaf: number, emoji: string): void {
  const key = app.value.nextKey;
  dispatch({ type: "reaction", leaf, emoji });
  setTimeout(() => dispatch({ type: "reaction-over", key }), REACTION_MS);
}

/** In it, for the first time or again. */
function inMeeting(m: Meeting): void {
  void openLine(m);
  const info = m.info();
  if (info !== null && app.value.code === null) void computeCode(m, info.epoch);
}

function onEvent(m: Meeting, event: MeetingEvent): void {
  /* Who has gone is only known from before. */
  const gone = event.type === "gone" ? findPerson(app.value, event.leaf) : undefined;
  if (event.type !== "media") takeViews(m);
  switch (event.type) {
    case "phase":
      if (event.phase === "in-meeting") inMeeting(m);
      if (event.phase === "over") end(event.reason);
      break;
    case "joined":
      dispatch({ type: "joined", leaf: event.leaf });
      break;
    case "gone":
      dropTracks(event.leaf);
      tellGone(event, gone);
      break;
    case "code":
      void computeCode(m, event.epoch);
      break;
    case "chat":
      dispatch({ type: "said", leaf: event.leaf, id: event.id, text: event.text, at: Date.now() });
      break;
    case "chat-sent":
      dispatch({ type: "sent", id: event.id });
      break;
    case "reaction":
      showReaction(event.leaf, event.emoji);
      break;
    case "hand":
      dispatch({ type: "hand", leaf: event.leaf });
      break;
    case "mute":
      void muteFor(event.by);
      break;
    case "notice":
      /* Guests know that they are; their own badge says so all the time. */
      if (event.reason.name === "UNVERIFIED" && event.leaf === null) break;
      tellNotice(event);
      break;
  }
}

function called({ name, identity }: Person): string {
  const label = identity.category === "unverified" ? t.people.unverified : identity.label;
  return t.notice.who(name || t.common.unnamed, label);
}

type Gone = MeetingEvent & { readonly type: "gone" };

/** No host wanted it, and it was not they who left: that is the server's doing. */
function tellGone(event: Gone, person: Person | undefined): void {
  const name = person?.name || event.label;
  const byServer = event.by === null && event.reason.name !== "LEFT";
  const how = byServer ? "by-server" : event.by !== null ? "ejected" : "left";
  dispatch({ type: "gone", leaf: event.leaf, name, how });
  if (!byServer) return;
  const title = t.notice.removedByServer(person === undefined ? event.label : called(person));
  const { text: next } = event.reason;
  dispatch({ type: "notice", severity: "warning", title, next, at: Date.now() });
}

type Told = MeetingEvent & { readonly type: "notice" };

/** With the name of whom it is about. */
function tellNotice({ severity, reason, leaf }: Told): void {
  const who = leaf === null ? undefined : findPerson(app.value, leaf);
  const title = who === undefined ? reason.text : t.notice.about(reason.text, called(who));
  /* A warning that goes by itself would be missed by whoever looks away. */
  const stays = severity === "alarm" || reason.name === "OTHERS_SILENT";
  dispatch({ type: "notice", severity, title, next: reason.next, at: Date.now(), stays });
}

/* ---- Media ---- */

function dropTracks(leaf: number): void {
  const kept = [...tracks.value].filter(([key]) => !key.startsWith(`${leaf}/`));
  tracks.value = new Map(kept);
}

function onLine(event: LineEvent): void {
  switch (event.type) {
    case "state":
      set({ media: event.state, cipher: event.cipher });
      break;
    case "speakers":
      set({ speakers: event.leaves });
      break;
    case "track": {
      const next = new Map(tracks.value);
      const key = trackKey(event.leaf, event.source);
      if (event.track === null) next.delete(key);
      else next.set(key, event.track);
      tracks.value = next;
      break;
    }
  }
}

/** A host asks us to send no sound. To speak again is up to the user. */
async function muteFor(by: number): Promise<void> {
  if (!microphoneOn.value) return;
  const host = findPerson(app.value, by);
  await toggle("microphone");
  const title = t.notice.mutedBy(host === undefined ? t.common.unnamed : called(host));
  dispatch({ type: "notice", severity: "info", title, next: t.notice.mutedNext, at: Date.now() });
}

/* Our own devices are sent as they are switched, without anybody having to remember it; and others
 * see in the roster what is sent. */
function publishOwn(m: Meeting, line: MediaLine): () => void {
  const publish = (source: Source, track: MediaStreamTrack | null) =>
    void line.publish(source, track).catch(tell);
  const stops = [
    effect(() => publish("audio", microphoneOn.value ? microphoneTrack.value : null)),
    effect(() => publish("camera", cameraOn.value ? cameraTrack.value : null)),
    effect(() => publish("screen", screenTrack.value)),
    effect(() => {
      const audio = microphoneOn.value;
      const camera = cameraOn.value;
      const screen = screenTrack.value !== null;
      void m.setSends({ audio, camera, screen }).catch(() => undefined); /* it is over */
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

async function openLine(m: Meeting): Promise<void> {
  if (call === null || call.line !== null || !canMedia(app.value)) return;
  set({ media: "connecting" });
  try {
    const line = await engine.openLine(m);
    if (call?.meeting !== m || call.line !== null) {
      line.close();
      return;
    }
    call.line = line;
    call.stops.push(line.on(onLine), publishOwn(m, line));
    line.want(wanted);
  } catch (error) {
    set({ media: "refused" });
    tell(error);
  }
}

let wanted: readonly Want[] = [];

/** Which pictures are on the screen now, and how tall. */
export function want(wants: readonly Want[]): void {
  if (JSON.stringify(wants) === JSON.stringify(wanted)) return;
  wanted = wants;
  call?.line?.want(wants);
}

/** What the browser shows as in use must not outlive the meeting. If it was this device that failed,
 * a reload comes back to the place. */
function end(why: Reason): void {
  closeMedia();
  stopDevices();
  if (why.name !== "BROKEN") resume.forget();
}

function closeMedia(): void {
  stopShare();
  for (const stop of call?.stops.splice(0) ?? []) stop();
  call?.line?.close();
  if (call !== null) call.line = null;
  tracks.value = new Map();
  wanted = [];
}

/* ---- Screen sharing ---- */

export function stopShare(): void {
  screenTrack.value?.stop();
  screenTrack.value = null;
}

export async function startShare(): Promise<void> {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 } });
    const track = stream.getVideoTracks()[0] ?? null;
    if (track !== null) track.onended = stopShare; /* by the browser's own button */
    screenTrack.value = track;
  } catch (error) {
    /* Who closes the browser's question has changed their mind; that is no problem. */
    if (!(error instanceof DOMException && error.name === "NotAllowedError")) tell(error);
  }
}

/* ---- Beginning and end ---- */

export async function enter(
  open: () => Promise<Meeting>,
  name: string,
  label: string,
): Promise<void> {
  await close();
  dispatch({ type: "enter", name, label });
  const m = await open();
  call = { meeting: m, line: null, stops: [] };
  m.on((event) => onEvent(m, event));
  takeViews(m);
  if (m.phase === "in-meeting") inMeeting(m);
}

/** New certificates for our key: told to the meeting that is under way, if there is one. */
export const renew = (credential: Credential): Promise<boolean> =>
  attempt((m) => m.renew(credential));

/** Lets go of everything; the core has been told to leave before, or keeps the place. */
export async function close(): Promise<void> {
  closeMedia();
  const old = call;
  call = null;
  await old?.meeting.close();
}

export async function say(text: string): Promise<boolean> {
  return attempt(async (m) => {
    const id = await m.say(text);
    dispatch({ type: "say", id, text, at: Date.now() });
  });
}

export async function leave(): Promise<void> {
  if (await attempt((m) => m.leave())) return;
  await close();
  dispatch({ type: "leave-call" });
}

export const copy = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    tell(new Error(t.problem.unknown));
    return false;
  }
};
