/* What a member and the media switch agree on (docs/PROTOCOL.md section 9). */
import { ConclaveError, type Source } from "./types.js";
import { Reader, Writer } from "./wire.js";

export interface MediaLayer {
  readonly ssrc: number; // 0: found by mid and rid
  readonly rtx: number; // 0: none, or found by repaired-rid
  readonly height: number; // 0 for audio
  readonly rid: string;
}
export interface MediaWant {
  readonly leaf: number;
  readonly source: Source;
  readonly height: number; // 0: not now
}
export interface MediaFlow {
  readonly leaf: number;
  readonly source: Source;
  readonly gone: boolean;
  readonly state: "waiting" | "running" | "narrow";
  readonly ssrc: number;
  readonly rtx: number;
}
export interface MediaSlot {
  readonly ssrc: number;
  readonly rtx: number;
}
export interface MediaCandidate {
  readonly address: string; // "192.0.2.1" or "2001:db8:0:0:0:0:0:1"
  readonly port: number;
}

/** To the switch: Meeting.sendMedia(encodeMedia(...)). */
export type MediaRequest =
  | {
      readonly kind: "open";
      readonly transport: 0 | 1;
      readonly ufrag: string; // both empty: not known before the answer
      readonly pwd: string;
      readonly fingerprint: Uint8Array; // SHA-256 of the DTLS certificate
      readonly sends: boolean;
      readonly receives: boolean;
      readonly audio: number; // payload types it receives with
      readonly video: number;
      readonly rtx: number;
      readonly extensions: readonly { readonly id: number; readonly which: number }[];
    }
  | {
      readonly kind: "publish";
      readonly transport: 0 | 1;
      readonly track: number;
      readonly source: Source;
      readonly format: "opus" | "vp8" | "sframe";
      readonly payloadType: number;
      readonly rtx: number; // 0: none
      readonly mid: string;
      readonly layers: readonly MediaLayer[]; // the smallest first
    }
  | { readonly kind: "unpublish"; readonly track: number }
  | { readonly kind: "subscribe"; readonly transport: 0 | 1; readonly wants: readonly MediaWant[] }
  | { readonly kind: "close"; readonly transport: 0 | 1 }
  | {
      readonly kind: "login"; // what open left out
      readonly transport: 0 | 1;
      readonly ufrag: string;
      readonly pwd: string;
    };

/** From the switch: decodeMedia(event.body). */
export type MediaReply =
  | {
      readonly kind: "answer";
      readonly transport: number;
      readonly ufrag: string;
      readonly pwd: string;
      readonly fingerprint: Uint8Array;
      readonly candidates: readonly MediaCandidate[];
      readonly audio: readonly MediaSlot[];
      readonly video: readonly MediaSlot[];
    }
  | { readonly kind: "flows"; readonly flows: readonly MediaFlow[] }
  | { readonly kind: "speakers"; readonly leaves: readonly number[] }
  | { readonly kind: "demand"; readonly track: number; readonly layers: number }
  | {
      readonly kind: "state";
      readonly transport: number;
      readonly state: "connected" | "lost" | "refused";
    };

const SOURCES: readonly Source[] = ["audio", "camera", "screen"];
const FORMATS = ["opus", "vp8", "sframe"] as const;
const FLOW_STATES = ["waiting", "running", "narrow"] as const;
const STATES = ["connected", "lost", "refused"] as const;

/* ---- Messages ---- */

export function encodeMedia(m: MediaRequest): Uint8Array {
  const w = new Writer();
  switch (m.kind) {
    case "open":
      w.u8(1).u8(m.transport).text(m.ufrag).text(m.pwd).raw(m.fingerprint);
      w.u8((m.sends ? 1 : 0) | (m.receives ? 2 : 0));
      w.u8(m.audio).u8(m.video).u8(m.rtx);
      return w.list(m.extensions, (x, e) => x.u8(e.id).u8(e.which)).bytes();
    case "publish":
      w.u8(2).u8(m.transport).u8(m.track).u8(SOURCES.indexOf(m.source) + 1);
      w.u8(FORMATS.indexOf(m.format) + 1).u8(m.payloadType).u8(m.rtx).text(m.mid);
      return w
        .list(m.layers, (x, l) => x.u32(l.ssrc).u32(l.rtx).u16(l.height).text(l.rid))
        .bytes();
    case "unpublish":
      return w.u8(3).u8(m.track).bytes();
    case "subscribe":
      w.u8(4).u8(m.transport);
      return w
        .list(m.wants, (x, v) => x.u32(v.leaf).u8(SOURCES.indexOf(v.source) + 1).u16(v.height))
        .bytes();
    case "close":
      return w.u8(5).u8(m.transport).bytes();
    case "login":
      return w.u8(6).u8(m.transport).text(m.ufrag).text(m.pwd).bytes();
  }
}

function address(data: Uint8Array): string {
  if (data.length === 4) return data.join(".");
  if (data.length !== 16) throw new ConclaveError("ESYNTAX", "An address of no known kind.");
  const group = (i: number) => (data[2 * i]! * 0x100 + data[2 * i + 1]!).toString(16);
  return Array.from({ length: 8 }, (_, i) => group(i)).join(":");
}

const slot = (r: Reader): MediaSlot => ({ ssrc: r.u32(), rtx: r.u32() });

const flow = (r: Reader): MediaFlow => ({
  leaf: r.u32(),
  source: r.name(SOURCES),
  gone: r.u8() !== 0,
  state: r.name(FLOW_STATES),
  ssrc: r.u32(),
  rtx: r.u32(),
});

function body(r: Reader): MediaReply | null {
  switch (r.u8()) {
    case 64:
      return {
        kind: "answer",
        transport: r.u8(),
        ufrag: r.text(),
        pwd: r.text(),
        fingerprint: r.take(32).slice(),
        candidates: r.list((x) => ({ address: address(x.vector()), port: x.u16() })),
        audio: r.list(slot),
        video: r.list(slot),
      };
    case 65:
      return { kind: "flows", flows: r.list(flow) };
    case 66:
      return { kind: "speakers", leaves: r.list((x) => x.u32()) };
    case 67:
      return { kind: "demand", track: r.u8(), layers: r.u8() };
    case 68:
      return { kind: "state", transport: r.u8(), state: r.name(STATES) };
    default:
      return null;
  }
}

/** null: of a kind that is not known here. ConclaveError ESYNTAX for what is malformed. */
export function decodeMedia(data: Uint8Array): MediaReply | null {
  const r = new Reader(data);
  const message = body(r);
  if (message !== null && !r.done)
    throw new ConclaveError("ESYNTAX", "A message has something behind it.");
  return message;
}
