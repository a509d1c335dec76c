// Two members on libdatachannel (npm node-datachannel) meet in the media switch of conclaved.
//
//     node switch.mjs RTC_SWITCH ROOT
//
// RTC_SWITCH is tests/interop/rtc_switch.c, ROOT this repository. Each member has one transport for
// both directions. What they send is what the switch can see of SFrame: key IDs, and in front of
// them the bytes of VP8 that are clear (docs/MEDIA.md); behind that anything.

import { build } from 'esbuild'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { SwitchProcess, within } from './switch_process.mjs'

// What is missing on a machine it has no binary for.
function load() {
  try {
    return createRequire(import.meta.url)('node-datachannel')
  } catch (error) {
    console.log(`SKIPPED: node-datachannel does not run on this machine: ${error.message}`)
    return process.exit(process.env.INTEROP_REQUIRED === '1' ? 1 : 77)
  }
}
const nodeDataChannel = load()

async function loadCodec(root) {
  await build({
    entryPoints: [`${root}/web/core/src/media-message.ts`],
    bundle: true,
    format: 'esm',
    outfile: 'media-message.mjs',
    logLevel: 'warning',
  })
  return import(pathToFileURL('media-message.mjs'))
}

const EPOCH = 7
const LEAVES = 2
const ALICE = { conn: 11, leaf: 0, audio: 0x1000, video: 0x2000, rtx: 0x3000 }
const BOB = { conn: 12, leaf: 1, audio: 0x4000, video: 0x5000, rtx: 0x6000 }
const SENT = { opus: 111, vp8: 96, rtx: 97 } // payload types of what they send
const TAKEN = { opus: 120, vp8: 121, rtx: 122 } // and of what they get
const LEVEL = 10 // the header extension's id in docs/RTC.md

// ---- Packets ----

function rtp({ type, sequence, timestamp, ssrc, marker = false, level = null }, payload) {
  const head = Buffer.alloc(level === null ? 12 : 20)
  head[0] = level === null ? 0x80 : 0x90
  head[1] = (marker ? 0x80 : 0) | type
  head.writeUInt16BE(sequence, 2)
  head.writeUInt32BE(timestamp, 4)
  head.writeUInt32BE(ssrc, 8)
  if (level !== null) {
    head.writeUInt32BE(0xbede0001, 12)
    head[16] = LEVEL << 4
    head[17] = 0x80 | level // a voice
  }
  return Buffer.concat([head, payload])
}

function parse(packet) {
  const extended = (packet[0] & 0x10) !== 0
  const start = 12 + (extended ? 4 + 4 * packet.readUInt16BE(14) : 0)
  return {
    type: packet[1] & 0x7f,
    sequence: packet.readUInt16BE(2),
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(start),
  }
}

const isRtcp = (packet) => packet[1] >= 192 && packet[1] <= 223 // RFC 5761 4

// The packets of a compound as "type/count": 205/1 is a NACK, 206/1 a PLI, 205/15 feedback on
// arrivals.
function rtcpKinds(compound) {
  const kinds = []
  for (let at = 0; at < compound.length; at += 4 + 4 * compound.readUInt16BE(at + 2))
    kinds.push(`${compound[at + 1]}/${compound[at] & 0x1f}`)
  return kinds
}

// RFC 4585 6.2.1, alone (RFC 5506).
function nack(sequence, ssrc) {
  const packet = Buffer.from([0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  packet.writeUInt32BE(ssrc, 8)
  packet.writeUInt16BE(sequence, 12)
  return packet
}

// RFC 9605 4.3 and 5.2: X, two bytes of key ID, counter 0. One bit is enough for two leaves.
const sframe = (leaf, rest) => Buffer.concat([Buffer.from([0x90, leaf, EPOCH]), rest])

const VP8_KEY = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00] // 320 x 180, RFC 6386 9.1
const VP8_DELTA = [0x11, 0, 0]

// A frame of one packet (RFC 7741 4.2: S bit, partition 0).
const vp8 = (key, leaf, fill) =>
  Buffer.concat([
    Buffer.from([0x10, ...(key ? VP8_KEY : VP8_DELTA)]),
    sframe(leaf, Buffer.alloc(700, fill)),
  ])

// ---- Members ----

const bytesOf = (fingerprint) =>
  Uint8Array.from(fingerprint.split(':'), (byte) => parseInt(byte, 16))
const textOf = (fingerprint) =>
  Array.from(fingerprint, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')

function answerSdp(answer) {
  const { address, port } = answer.candidates[0]
  const common = [
    `c=IN IP4 ${address}`,
    'a=sendrecv',
    'a=rtcp-mux',
    'a=setup:passive',
    `a=ice-ufrag:${answer.ufrag}`,
    `a=ice-pwd:${answer.pwd}`,
    `a=fingerprint:sha-256 ${textOf(answer.fingerprint)}`,
  ]
  const ssrcs = (slots) =>
    slots
      .flatMap(({ ssrc, rtx }) => (rtx === 0 ? [ssrc] : [ssrc, rtx]))
      .map((ssrc) => `a=ssrc:${ssrc} cname:conclave`)
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    't=0 0',
    'a=group:BUNDLE 0 1',
    'a=ice-lite',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${SENT.opus}`,
    ...common,
    'a=mid:0',
    `a=rtpmap:${SENT.opus} opus/48000/2`,
    ...ssrcs(answer.audio),
    `m=video 9 UDP/TLS/RTP/SAVPF ${SENT.vp8}`,
    ...common,
    'a=mid:1',
    `a=rtpmap:${SENT.vp8} VP8/90000`,
    ...ssrcs(answer.video),
    `a=candidate:1 1 UDP 2130706431 ${address} ${port} typ host`,
    'a=end-of-candidates',
    '',
  ].join('\r\n')
}

class Member {
  constructor(media, who) {
    Object.assign(this, { media, who, rtp: [], rtcp: new Set() })
    this.pc = new nodeDataChannel.PeerConnection(`leaf ${who.leaf}`, { iceServers: [] })
    const audio = new nodeDataChannel.Audio('0', 'SendRecv')
    audio.addOpusCodec(SENT.opus)
    audio.addSSRC(who.audio, 'conclave')
    const video = new nodeDataChannel.Video('1', 'SendRecv')
    video.addVP8Codec(SENT.vp8)
    video.addSSRC(who.video, 'conclave')
    video.addSSRC(who.rtx, 'conclave')
    this.audio = this.pc.addTrack(audio)
    this.video = this.pc.addTrack(video)
    for (const track of [this.audio, this.video])
      track.onMessage((message) => this.#receive(Buffer.from(message)))
  }

  #receive(packet) {
    if (isRtcp(packet)) rtcpKinds(packet).forEach((kind) => this.rtcp.add(kind))
    else this.rtp.push(parse(packet))
  }

  say(message) {
    this.media.say(this.who.conn, this.who.leaf, message)
  }

  hear(kind, what, fits = () => true) {
    return this.media.hear(this.who.conn, (m) => m.kind === kind && fits(m), what)
  }

  async connect() {
    const open = Promise.all(
      [this.audio, this.video].map(
        (track) =>
          new Promise((resolve) => {
            track.onOpen(resolve)
          }),
      ),
    )
    this.pc.setLocalDescription()
    const { sdp } = this.pc.localDescription()
    const find = (pattern) => sdp.match(pattern)[1]
    this.say({
      kind: 'open',
      transport: 0,
      ufrag: find(/a=ice-ufrag:(\S+)/),
      pwd: find(/a=ice-pwd:(\S+)/),
      fingerprint: bytesOf(find(/a=fingerprint:sha-256 (\S+)/)),
      sends: true,
      receives: true,
      audio: TAKEN.opus,
      video: TAKEN.vp8,
      rtx: TAKEN.rtx,
      extensions: [],
    })
    this.answer = await this.hear('answer', 'an answer')
    this.pc.setRemoteDescription(answerSdp(this.answer), 'answer')
    await within(15, open, 'ICE, DTLS and SRTP')
    await this.hear('state', 'what the switch says of it', (m) => m.state === 'connected')
  }

  publish() {
    const { audio, video, rtx } = this.who
    this.say({
      kind: 'publish',
      transport: 0,
      track: 0,
      source: 'audio',
      format: 'opus',
      payloadType: SENT.opus,
      rtx: 0,
      mid: '',
      layers: [{ ssrc: audio, rtx: 0, height: 0, rid: '' }],
    })
    this.say({
      kind: 'publish',
      transport: 0,
      track: 1,
      source: 'camera',
      format: 'vp8',
      payloadType: SENT.vp8,
      rtx: SENT.rtx,
      mid: '',
      layers: [{ ssrc: video, rtx, height: 180, rid: '' }],
    })
  }

  speak(sequence) {
    const head = {
      type: SENT.opus,
      sequence,
      timestamp: 960 * sequence,
      ssrc: this.who.audio,
      level: 20,
    }
    this.audio.sendMessageBinary(rtp(head, sframe(this.who.leaf, Buffer.alloc(80, sequence))))
  }

  show(sequence, { key = false, leaf = this.who.leaf } = {}) {
    const head = {
      type: SENT.vp8,
      sequence,
      timestamp: 3000 * sequence,
      ssrc: this.who.video,
      marker: true,
    }
    this.video.sendMessageBinary(rtp(head, vp8(key, leaf, sequence)))
  }

  // Of the picture that was sent so.
  got(sequence) {
    return this.rtp.find((p) => p.type === TAKEN.vp8 && p.payload.at(-1) === (sequence & 0xff))
  }

  async until(fits, what) {
    for (let tries = 0; !fits(this); tries++) {
      if (tries === 200) throw new Error(`${what} took more than 10 s`)
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    }
  }
}

// ---- What is shown ----

const tests = {
  'both complete ICE, DTLS and SRTP with the switch': async ({ alice, bob }) => {
    await alice.connect()
    await bob.connect()
    alice.publish()
    bob.publish()
  },

  'a voice is heard as it was sent, and its member told as the speaker': async ({ alice, bob }) => {
    let sequence = 100
    const timer = setInterval(() => alice.speak(sequence++), 20)
    await bob.hear('speakers', 'the speaker', (m) => m.leaves[0] === ALICE.leaf)
    await bob.until(() => bob.rtp.filter((p) => p.type === TAKEN.opus).length > 20, 'the voice')
    clearInterval(timer)
    const { flows } = await bob.hear('flows', 'whose voice it is')
    const heard = bob.rtp.filter((p) => p.type === TAKEN.opus)
    if (flows[0].source !== 'audio' || flows[0].leaf !== ALICE.leaf)
      throw new Error('the voice is told to be another')
    if (heard.some((p) => p.ssrc !== flows[0].ssrc)) throw new Error('it came in another slot')
    if (heard.some((p) => p.payload.length !== 83 || p.payload[1] !== ALICE.leaf))
      throw new Error('a payload was changed')
    if (heard.some((p, i) => i > 0 && p.sequence !== ((heard[i - 1].sequence + 1) & 0xffff)))
      throw new Error('numbers are missing')
  },

  'a picture begins with a key frame that the switch asked for': async ({ alice, bob }) => {
    bob.say({
      kind: 'subscribe',
      transport: 0,
      wants: [{ leaf: ALICE.leaf, source: 'camera', height: 720 }],
    })
    await alice.hear('demand', 'that somebody wants it', (m) => m.track === 1 && m.layers === 1)
    alice.show(1) // so that there is something to ask for
    await alice.until(() => alice.rtcp.has('206/1'), 'a PLI')
    alice.show(2, { key: true })
    alice.show(3)
    await bob.until(() => bob.got(3) !== undefined, 'the picture')
    if (bob.got(1) !== undefined) throw new Error('a frame came that nothing could be made of')
    const sent = vp8(true, ALICE.leaf, 2)
    if (!bob.got(2).payload.equals(sent)) throw new Error('a payload was changed')
    const { flows } = await bob.hear('flows', 'whose picture it is', (m) =>
      m.flows.some((f) => f.source === 'camera' && f.state === 'running'),
    )
    if (
      !bob.answer.video.some((slot) => slot.ssrc === flows[0].ssrc && slot.ssrc === bob.got(2).ssrc)
    )
      throw new Error('it came in no slot')
  },

  'a frame under the key ID of another leaf is not forwarded': async ({ media, alice, bob }) => {
    alice.show(4, { leaf: BOB.leaf })
    alice.show(5)
    await bob.until(() => bob.got(5) !== undefined, 'the next picture')
    if (bob.got(4) !== undefined) throw new Error('a forged frame came')
    await media.countUntil((numbers) => numbers.refused > 0, 'it was not counted')
  },

  'what the switch misses it asks for': async ({ alice, bob }) => {
    alice.show(7)
    await alice.until(() => alice.rtcp.has('205/1'), 'a NACK')
    const osn = Buffer.from([0, 6]) // RFC 4588 4: the number it had
    const head = { type: SENT.rtx, sequence: 1, timestamp: 3000 * 6, ssrc: ALICE.rtx, marker: true }
    alice.video.sendMessageBinary(rtp(head, Buffer.concat([osn, vp8(false, ALICE.leaf, 6)])))
    await bob.until(() => bob.got(6) !== undefined, 'what was sent again')
  },

  'what a receiver misses is sent again in its stream of retransmissions': async ({ bob }) => {
    const { ssrc, sequence, payload } = bob.got(5)
    bob.video.sendMessageBinary(nack(sequence, ssrc))
    const isAgain = (p) =>
      p.type === TAKEN.rtx &&
      p.payload.length > 2 &&
      p.payload.readUInt16BE(0) === sequence &&
      p.payload.subarray(2).equals(payload)
    await bob.until(() => bob.rtp.some(isAgain), 'what was asked for')
    const again = bob.rtp.find(isAgain)
    if (!bob.answer.video.some((slot) => slot.ssrc === ssrc && slot.rtx === again.ssrc))
      throw new Error('it came in another stream')
  },

  // Sender reports come too, but libdatachannel hands up none that has no report blocks.
  'reports come, and nobody is heard any more whose connection ended': async ({
    media,
    alice,
    bob,
  }) => {
    await alice.until(() => alice.rtcp.has('201/2'), 'a receiver report of two streams')
    const closed = new Promise((resolve) => {
      alice.pc.onStateChange((state) => state !== 'connected' && resolve())
    })
    media.gone(ALICE.conn)
    await bob.hear('flows', 'that it is over', (m) =>
      m.flows.some((f) => f.source === 'camera' && f.state === 'waiting'),
    )
    await within(10, closed, 'the goodbye')
    await media.countUntil((numbers) => numbers.peers === 1, 'its peer is still there')
  },
}

const [, , program, root] = process.argv
const media = new SwitchProcess(program, await loadCodec(root))
media.epoch(EPOCH, LEAVES)
const scene = { media, alice: new Member(media, ALICE), bob: new Member(media, BOB) }
let failed = 0
for (const [name, show] of Object.entries(tests)) {
  try {
    await show(scene)
    console.log(`ok ${name}`)
  } catch (error) {
    failed++
    console.log(`FAILED ${name}: ${error.message}`)
    break // what follows needs it
  }
}
scene.alice.pc.close()
scene.bob.pc.close()
if ((await media.end()) !== 0) failed++
nodeDataChannel.cleanup()
process.exit(failed === 0 ? 0 : 1)
