// Media transport between libconclave and libdatachannel (npm node-datachannel): ICE, DTLS, SRTP.
//
//     node interop.mjs RTC_PEER
//
// RTC_PEER is tests/interop/rtc_peer.c, which sends back each RTP packet it gets under the next
// SSRC. Each case sets one up, exchanges packets of several sizes, and has our peer say goodbye
// (theirs says none when it is closed).

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

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

const PACKETS = 200
const SSRC = 0x1000
const CASES = [
  { name: 'our server, their DTLS client', ice: 'server', dtls: 'server', address: '127.0.0.1' },
  { name: 'our server, their DTLS server', ice: 'server', dtls: 'client', address: '127.0.0.1' },
  { name: 'our server over IPv6', ice: 'server', dtls: 'server', address: '::1' },
  { name: 'our client, their DTLS server', ice: 'client', dtls: 'client', address: '0.0.0.0' },
  { name: 'our client, their DTLS client', ice: 'client', dtls: 'server', address: '0.0.0.0' },
  { name: 'another fingerprint', ice: 'server', dtls: 'server', address: '127.0.0.1', forged: true },
]

class PeerProcess {
  constructor(program, { ice, dtls, address }) {
    this.child = spawn(program, [ice, dtls, address], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
    this.exit = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(`cannot be started: ${error.message}`))
      this.child.on('exit', (code, signal) => resolve(signal ?? code))
    })
  }

  async line() {
    const { value, done } = await this.lines.next()
    if (done) throw new Error(`rtc-peer ended: ${await this.exit}`)
    return value
  }

  tell(line) {
    this.child.stdin.write(`${line}\n`)
  }
}

// What signalling would say of our peer: an offer, or an answer to theirs.
function descriptionOf([ufrag, pwd, fingerprint, address, port], { ice, dtls }) {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address
  const family = host.includes(':') ? 'IP6' : 'IP4'
  return [
    'v=0', `o=- 1 1 IN ${family} ${host}`, 's=-', 't=0 0', 'a=group:BUNDLE 0',
    ...(ice === 'server' ? ['a=ice-lite'] : []),
    'm=video 9 UDP/TLS/RTP/SAVPF 96', `c=IN ${family} ${host}`, 'a=mid:0', 'a=sendrecv',
    'a=rtcp-mux', 'a=rtpmap:96 VP8/90000', `a=ssrc:${SSRC + 1} cname:conclave`,
    `a=setup:${dtls === 'client' ? 'active' : 'passive'}`,
    `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:sha-256 ${fingerprint}`,
    `a=candidate:1 1 UDP 2130706431 ${host} ${port} typ host`, 'a=end-of-candidates', '',
  ].join('\r\n')
}

// Their line for our peer, from their description.
function lineOf(sdp, forged) {
  const find = (pattern) => sdp.match(pattern)?.[1]
  let fingerprint = find(/a=fingerprint:sha-256 (\S+)/)
  if (forged) fingerprint = fingerprint.replace(/^../, (byte) => (byte === '00' ? '01' : '00'))
  const [, host, port] = sdp.match(/a=candidate:\S+ 1 UDP \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host/) ??
    ['', '127.0.0.1', '9']
  return [find(/a=ice-ufrag:(\S+)/), find(/a=ice-pwd:(\S+)/), fingerprint, host, port].join(' ')
}

function rtpPacket(sequence) {
  const payload = 1 + (sequence * 37) % 1100
  const packet = Buffer.alloc(12 + payload, sequence)
  packet.writeUInt16BE(0x8060, 0)
  packet.writeUInt16BE(sequence, 2)
  packet.writeUInt32BE(sequence * 3000, 4)
  packet.writeUInt32BE(SSRC, 8)
  return packet
}

const within = (seconds, promise, what) => Promise.race([
  promise,
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} took more than ${seconds} s`)), seconds * 1000).unref()
  }),
])

const gathered = (pc) => new Promise((resolve) => {
  if (pc.gatheringState() === 'complete') resolve()
  pc.onGatheringStateChange((state) => state === 'complete' && resolve())
})

// Their side: offers to a server, answers a client. A client's checks decide (it is controlling).
async function negotiate(pc, peer, setting) {
  const ours = (await peer.line()).split(' ')
  const isOffer = setting.ice === 'client'
  if (isOffer) pc.setRemoteDescription(descriptionOf(ours, setting), 'offer')
  const video = new nodeDataChannel.Video('0', 'SendRecv')
  video.addVP8Codec(96)
  video.addSSRC(SSRC, 'datachannel')
  const track = pc.addTrack(video)
  pc.setLocalDescription()
  await gathered(pc)
  peer.tell(lineOf(pc.localDescription().sdp, setting.forged))
  if (!isOffer) pc.setRemoteDescription(descriptionOf(ours, setting), 'answer')
  return track
}

// Sends all packets, some at a time, and waits for all to come back as they were.
async function exchange(track) {
  const waiting = new Map()
  let reports = 0
  const back = new Promise((resolve, reject) => {
    track.onMessage((message) => {
      const packet = Buffer.from(message)
      if (packet[1] === 201) {
        reports++
        return
      }
      const sequence = packet.readUInt16BE(2)
      const expected = waiting.get(sequence)
      expected?.writeUInt32BE(SSRC + 1, 8)
      if (expected === undefined || !expected.equals(packet))
        reject(new Error(`packet ${sequence} came back as another`))
      waiting.delete(sequence)
      if (sequence === PACKETS) resolve()
    })
  })
  for (let sequence = 1; sequence <= PACKETS; sequence++) {
    const packet = rtpPacket(sequence)
    waiting.set(sequence, packet)
    if (!track.sendMessageBinary(packet)) throw new Error('cannot send')
    if (sequence % 10 === 0) await new Promise((resolve) => { setTimeout(resolve, 5) })
  }
  await within(5, back, 'the exchange')
  if (waiting.size !== 0) throw new Error(`${waiting.size} packets did not come back`)
  return reports
}

async function play(program, setting) {
  const peer = new PeerProcess(program, setting)
  const pc = new nodeDataChannel.PeerConnection('theirs', { iceServers: [] })
  try {
    const state = new Promise((resolve) => {
      pc.onStateChange((s) => ['failed', 'disconnected', 'closed'].includes(s) && resolve(s))
    })
    const track = await negotiate(pc, peer, setting)
    if (setting.forged) {
      const said = await within(15, peer.line(), 'the refusal')
      if (!said.startsWith('reason 4 connected 0')) throw new Error(`our peer said: ${said}`)
      return 'refused'
    }
    const open = new Promise((resolve) => { track.onOpen(resolve) })
    const how = await within(15, Promise.race([open, state]), 'setting up')
    if (how !== undefined) throw new Error(`their side has ${how}`)
    const reports = await exchange(track)
    peer.child.stdin.end()
    const said = await within(10, peer.line(), 'the end')
    const status = await peer.exit
    await within(10, state, 'the goodbye')
    if (status !== 0 || !said.includes(`connected 1 rtp_in ${PACKETS} `))
      throw new Error(`our peer ended with ${status}: ${said}`)
    return `${PACKETS} packets there and back, ${reports} reports`
  } finally {
    pc.close()
    peer.child.kill()
  }
}

let failed = 0
for (const setting of CASES) {
  try {
    console.log(`ok ${setting.name}: ${await play(process.argv[2], setting)}`)
  } catch (error) {
    failed++
    console.log(`FAILED ${setting.name}: ${error.message}`)
  }
}
nodeDataChannel.cleanup()
process.exit(failed === 0 ? 0 : 1)
