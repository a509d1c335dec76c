/* What docs/PROTOCOL.md section 9 says of a transport, in the terms of mediasoup-client and back.
 * Pure functions: src/session.ts puts them to use.
 *
 * mediasoup-client thinks of its server as a router with capabilities and of what a member sends or
 * gets as producers and consumers. The switch fits: its capabilities are constant, a track that is
 * published is a producer, and a slot (a stream that shows one member after another) is a
 * consumer that stays. */
import type { types } from "mediasoup-client";
import type { MediaReply, MediaRequest, MediaSlot, Source } from "@conclave/core";

type Open = Extract<MediaRequest, { kind: "open" }>;
type Publish = Extract<MediaRequest, { kind: "publish" }>;
export type Answer = Extract<MediaReply, { kind: "answer" }>;

/* ---- What the switch can do ---- */

/** With which payload types a browser receives; those it sends with are its own choice. */
export const PAYLOAD_TYPES = { audio: 100, video: 101, rtx: 102 } as const;

/** Tracks by source: of each a member has one. */
export const TRACKS: Readonly<Record<Source, number>> = { audio: 0, camera: 1, screen: 2 };

/* Header extensions by their ids in docs/RTC.md. Those of a stream's name only go to the switch: to
 * a receiver it names streams by SSRC. */
const EXTENSIONS: readonly (types.RtpHeaderExtension & { readonly uri: string })[] = [
  {
    kind: "audio",
    direction: "recvonly",
    preferredId: 1,
    uri: "urn:ietf:params:rtp-hdrext:sdes:mid",
  },
  {
    kind: "video",
    direction: "recvonly",
    preferredId: 1,
    uri: "urn:ietf:params:rtp-hdrext:sdes:mid",
  },
  {
    kind: "video",
    direction: "recvonly",
    preferredId: 2,
    uri: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  },
  {
    kind: "video",
    direction: "recvonly",
    preferredId: 3,
    uri: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
  },
  {
    kind: "audio",
    direction: "sendrecv",
    preferredId: 5,
    uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  },
  {
    kind: "video",
    direction: "sendrecv",
    preferredId: 5,
    uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  },
  {
    kind: "audio",
    direction: "sendrecv",
    preferredId: 10,
    uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  },
];

const AUDIO_FEEDBACK: types.RtcpFeedback[] = [{ type: "transport-cc" }];
const VIDEO_FEEDBACK: types.RtcpFeedback[] = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "transport-cc" },
];

/** For Device.load(). New objects each time: mediasoup-client fills them in. */
export function routerCapabilities(): types.RtpCapabilities {
  return {
    codecs: [
      {
        kind: "audio",
        mimeType: "audio/opus",
        clockRate: 48000,
        channels: 2,
        preferredPayloadType: PAYLOAD_TYPES.audio,
        parameters: { minptime: 10, useinbandfec: 1 },
        rtcpFeedback: [...AUDIO_FEEDBACK],
      },
      {
        kind: "video",
        mimeType: "video/VP8",
        clockRate: 90000,
        preferredPayloadType: PAYLOAD_TYPES.video,
        parameters: {},
        rtcpFeedback: [...VIDEO_FEEDBACK],
      },
      {
        kind: "video",
        mimeType: "video/rtx",
        clockRate: 90000,
        preferredPayloadType: PAYLOAD_TYPES.rtx,
        parameters: { apt: PAYLOAD_TYPES.video },
        rtcpFeedback: [],
      },
    ],
    headerExtensions: EXTENSIONS.map((extension) => ({ ...extension })),
  };
}

/* ---- Transports ---- */

/** This side of a transport, known before there is one: the switch wants to know it first. */
export interface Endpoint {
  readonly certificate: RTCCertificate;
  readonly fingerprint: Uint8Array; // SHA-256
  readonly extensions: Open["extensions"]; // by which ids header extensions are sent
}

const bytesOf = (text: string) => Uint8Array.from(text.split(":"), (byte) => parseInt(byte, 16));
const textOf = (fingerprint: Uint8Array) =>
  Array.from(fingerprint, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");

/* RFC 8285 5: who offers decides on ids. */
function extensionsOf(sdp: string): Open["extensions"] {
  const ids = new Map<number, number>();
  for (const [, id, uri] of sdp.matchAll(/^a=extmap:(\d+)\S* (\S+)/gm)) {
    const which = EXTENSIONS.find((extension) => extension.uri === uri)?.preferredId;
    if (which !== undefined) ids.set(Number(id), which);
  }
  return Array.from(ids, ([id, which]) => ({ id, which }));
}

/** Looks at an offer like those that will be made: nothing else tells the ids, and Firefox tells
 * the fingerprint of a certificate nowhere else. */
export async function makeEndpoint(): Promise<Endpoint> {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const certificate = await RTCPeerConnection.generateCertificate(curve);
  const pc = new RTCPeerConnection({ certificates: [certificate] });
  pc.addTransceiver("audio", { direction: "sendonly" });
  pc.addTransceiver("video", {
    direction: "sendonly",
    sendEncodings: [{ rid: "r0" }, { rid: "r1" }],
  });
  const { sdp = "" } = await pc.createOffer();
  pc.close();
  const fingerprint = /^a=fingerprint:sha-256 (\S+)/im.exec(sdp)?.[1] ?? "";
  return { certificate, fingerprint: bytesOf(fingerprint), extensions: extensionsOf(sdp) };
}

/** The request for a transport. What it calls itself in ICE checks is not known before its first
 * negotiation, and left out. */
export function openRequest(
  transport: 0 | 1,
  direction: "send" | "recv",
  { fingerprint, extensions }: Endpoint,
): Open {
  return {
    kind: "open",
    transport,
    ufrag: "",
    pwd: "",
    fingerprint,
    sends: direction === "send",
    receives: direction === "recv",
    ...PAYLOAD_TYPES,
    extensions: direction === "send" ? extensions : [], // those of docs/RTC.md
  };
}

export function iceParameters(answer: Answer): types.IceParameters {
  return { usernameFragment: answer.ufrag, password: answer.pwd, iceLite: true };
}

/** For Device.createSendTransport() and createRecvTransport(). */
export function transportOptions(
  answer: Answer,
  { certificate }: Endpoint,
): types.TransportOptions {
  return {
    id: String(answer.transport),
    iceParameters: iceParameters(answer),
    iceCandidates: answer.candidates.map(({ address, port }, i) => ({
      foundation: String(i + 1),
      priority: 126 * 2 ** 24 + (65535 - i) * 2 ** 8 + 255, // RFC 8445 5.1.2.1
      address,
      ip: address,
      protocol: "udp",
      port,
      type: "host",
    })),
    dtlsParameters: {
      role: "server",
      fingerprints: [{ algorithm: "sha-256", value: textOf(answer.fingerprint) }],
    },
    additionalSettings: { certificates: [certificate] },
  };
}

/* ---- Tracks ---- */

/* The largest first, with what they may use: the switch takes no more than three of a track. */
const LAYERS = [
  { scale: 1, least: 0, bitrate: 2_500_000 },
  { scale: 2, least: 360, bitrate: 600_000 },
  { scale: 4, least: 540, bitrate: 150_000 },
];

/** Layers for a picture of this height, the smallest first; of a screen one, for its text. */
export function encodings(source: Source, height: number): types.RtpEncodingParameters[] {
  return LAYERS.filter(
    ({ scale, least }) => scale === 1 || (source === "camera" && height >= least),
  )
    .map(({ scale, bitrate }) => ({
      scaleResolutionDownBy: scale,
      maxBitrate: bitrate,
      scalabilityMode: "L1T1", // the switch does not tell temporal layers apart
    }))
    .reverse();
}

/** What a producer sends ("produce" of a transport). Streams without an SSRC are found by their mid
 * and rid. */
export function publishRequest(
  transport: 0 | 1,
  source: Source,
  rtp: types.RtpParameters,
  height: number,
): Publish {
  const isRtx = ({ mimeType }: { mimeType: string }) => mimeType.toLowerCase().endsWith("/rtx");
  const media = rtp.codecs.find((codec) => !isRtx(codec));
  if (media === undefined) throw new Error("The browser has no codec in common with the switch.");
  return {
    kind: "publish",
    transport,
    track: TRACKS[source],
    source,
    format: source === "audio" ? "opus" : "vp8",
    payloadType: media.payloadType,
    rtx: rtp.codecs.find(isRtx)?.payloadType ?? 0,
    mid: rtp.mid ?? "",
    layers: (rtp.encodings ?? []).map((layer) => ({
      ssrc: layer.ssrc ?? 0,
      rtx: layer.rtx?.ssrc ?? 0,
      height: source === "audio" ? 0 : Math.round(height / (layer.scaleResolutionDownBy ?? 1)),
      rid: layer.rid ?? "",
    })),
  };
}

/* ---- Slots ---- */

/** A consumer for a slot. Each has a stream of its own: a voice and a picture are of different
 * people at different times, so the browser must not try to keep them in step. */
export function consumerOptions(slot: MediaSlot, kind: "audio" | "video"): types.ConsumerOptions {
  const codecs = routerCapabilities().codecs ?? [];
  const id = String(slot.ssrc);
  return {
    id,
    producerId: id,
    kind,
    streamId: id,
    rtpParameters: {
      mid: id, // several are set up at once, and mediasoup-client would call all of them alike
      codecs: codecs
        .filter((codec) => codec.kind === kind)
        .map(({ preferredPayloadType = 0, kind: _, ...codec }) => ({
          ...codec,
          payloadType: preferredPayloadType,
        })),
      headerExtensions: EXTENSIONS.filter((e) => e.kind === kind && e.direction === "sendrecv").map(
        ({ uri, preferredId }) => ({ uri, id: preferredId }),
      ),
      encodings: [
        slot.rtx === 0 ? { ssrc: slot.ssrc } : { ssrc: slot.ssrc, rtx: { ssrc: slot.rtx } },
      ],
      rtcp: { cname: "conclave", reducedSize: true },
    },
  };
}
