/* What src/wasm writes: views and effects. */
import type { Effect, View } from "./protocol.js";
import type { Identity, MeetingEvent, MeetingInfo, Person, Phase, Reason, Sends, Severity, Waiting } from "./types.js";
import { hex, Reader } from "./wire.js";

const CATEGORIES = ["unverified", "member", "external", "device"] as const;
const KINDS = ["nobody", "user", "device", "guest"] as const;
const ROLES = ["attendee", "cohost", "host", "organiser"] as const;
const SEVERITIES: readonly Severity[] = ["info", "warning", "alarm"];
const NO_LEAF = 0xffffffff;

export function readReason(r: Reader): Reason {
  return { name: r.text(), text: r.text(), next: r.text() };
}

export function readIdentity(r: Reader): Identity {
  return {
    category: r.name(CATEGORIES, 0),
    kind: r.name(KINDS, 0),
    inOrganisation: r.bool(),
    label: r.text(),
    identifier: r.text(),
    issuer: r.text(),
    notAfter: 1000 * r.u64(),
    reason: readReason(r),
  };
}

function readInfo(r: Reader): MeetingInfo | null {
  if (!r.bool()) return null;
  return {
    title: r.text(),
    organiser: r.text(),
    organiserIdentity: readIdentity(r),
    open: r.bool(),
    inMeeting: r.bool(),
    locked: r.bool(),
    hostPresent: r.bool(),
    epoch: r.u64(),
    startedAt: 1000 * r.u64(),
    members: r.u32(),
    suite: r.u16(),
    cardHash: hex(r.vector()),
  };
}

function readSends(r: Reader): Sends | null {
  const known = r.bool();
  const bits = r.u8();
  if (!known) return null;
  return { audio: (bits & 1) !== 0, camera: (bits & 2) !== 0, screen: (bits & 4) !== 0 };
}

function readPerson(r: Reader): Person {
  return {
    leaf: r.u32(),
    me: r.bool(),
    connected: r.bool(),
    hand: r.bool(),
    sends: readSends(r),
    confirmed: r.bool(),
    sameName: r.bool(),
    role: r.name(ROLES, 0),
    name: r.text(),
    identity: readIdentity(r),
  };
}

function readWaiting(r: Reader): Waiting {
  return {
    ref: hex(r.vector()),
    since: 1000 * r.u64(),
    sameName: r.bool(),
    name: r.text(),
    identity: readIdentity(r),
  };
}

export function readView(data: Uint8Array): View {
  const r = new Reader(data);
  return {
    phase: r.text() as Phase,
    end: readReason(r),
    info: readInfo(r),
    roster: r.list(readPerson),
    lobby: r.list(readWaiting),
  };
}

/* ---- Effects: enum participant_effect_kind ---- */

function leafOrNull(leaf: number): number | null {
  return leaf === NO_LEAF ? null : leaf;
}

/* enum participant_event; the phase is filled in from the view. */
function readEvent(r: Reader): MeetingEvent | null {
  const kind = r.u8();
  const severity = r.name(SEVERITIES, 0);
  const reason = readReason(r);
  const leaf = r.u32();
  const by = leafOrNull(r.u32());
  const epoch = r.u64();
  const text = r.text();
  const id = hex(r.vector());
  switch (kind) {
    case 1:
      return { type: "phase", phase: "idle", reason };
    case 2:
      return { type: "card" };
    case 3:
      return { type: "roster" };
    case 4:
      return { type: "joined", leaf };
    case 5:
      return { type: "gone", leaf, by, label: text, reason };
    case 6:
      return { type: "lobby" };
    case 7:
      return { type: "code", epoch };
    case 8:
      return { type: "state" };
    case 9:
      return { type: "chat", leaf, text, id };
    case 10:
      return { type: "chat-sent", id };
    case 11:
      return { type: "reaction", leaf, emoji: text };
    case 12:
      return { type: "hand", leaf };
    case 13:
      return by === null ? null : { type: "mute", by };
    case 14:
      return { type: "notice", severity, reason, leaf: leafOrNull(leaf), text };
    default:
      return null;
  }
}

/** A copy: what is posted to the page takes its whole buffer along. */
function own(r: Reader): Uint8Array<ArrayBuffer> {
  return new Uint8Array(r.vector());
}

export function readEffects(data: Uint8Array): Effect[] {
  const r = new Reader(data);
  const out: Effect[] = [];
  while (!r.done) {
    switch (r.u8()) {
      case 1:
        out.push({ kind: "connect" });
        break;
      case 2:
        out.push({ kind: "send", data: own(r) });
        break;
      case 3:
        out.push({ kind: "disconnect" });
        break;
      case 4:
        out.push({ kind: "snapshot", data: own(r) });
        break;
      case 5:
        out.push({ kind: "delta", sync: r.bool(), data: own(r) });
        break;
      case 6:
        out.push({ kind: "forget" });
        break;
      case 7:
        out.push({ kind: "event", event: { type: "media", body: own(r) } });
        break;
      case 8: {
        const event = readEvent(r);
        if (event !== null) out.push({ kind: "event", event });
        break;
      }
    }
  }
  return out;
}
