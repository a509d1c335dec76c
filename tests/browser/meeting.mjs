// Two pages in browsers meet in the media switch as conclaved runs it.
//
//     node meeting.mjs RTC_SWITCH ROOT [ALICE BOB]
//
// RTC_SWITCH is tests/interop/rtc_switch.c, ROOT this repository. The pages (page.ts) are members
// by web/media and mediasoup-client; a stand-in for SFrame (stand_in.ts) gives their frames key
// IDs. README.md says what is shown. ALICE and BOB say which browsers they use, chromium (the
// default) or firefox. VERBOSE=1 prints what pages say and numbers. Without a browser it says so
// and exits with 77.

import { build } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { launch, missing } from './browsers.mjs'
import { outsideAddress, Relay } from './relay.mjs'

const [, , program, root, ...browsers] = process.argv
const BROWSERS = browsers.length === 2 ? browsers : ['chromium', 'chromium']
const VERBOSE = process.env.VERBOSE === '1'
const EPOCH = 7
const LEAVES = 2
const [ALICE, BOB] = [0, 1]
const RTX = 102 // payload type, as web/media has it
const SIZE = [960, 540, 10] // the least that libwebrtc makes three layers of

if (missing(BROWSERS) !== undefined) {
  console.log('****************************************************************')
  console.log(`** The test with a browser was SKIPPED: there is no ${missing(BROWSERS)};`)
  console.log('** tools/install-deps.sh test installs Chromium.')
  console.log('** Nothing was shown about browsers in this run.')
  console.log('****************************************************************')
  process.exit(process.env.INTEROP_REQUIRED === '1' ? 1 : 77)
}

// ---- The stage ----

const PAGE = `<!doctype html>
<title>Member</title>
<link rel="icon" href="data:,">
<script src="page.js"></script>`

async function bundle(name, entry, format) {
  await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    format,
    outfile: name,
    logLevel: 'warning',
    nodePaths: ['node_modules'],
  })
}

async function serve() {
  const types = {
    '/': 'text/html',
    '/page.js': 'text/javascript',
    '/stand_in.js': 'text/javascript',
  }
  const server = createServer(async (request, response) => {
    const type = types[request.url]
    if (type === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': type })
    response.end(request.url === '/' ? PAGE : await readFile(request.url.slice(1)))
  })
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

async function enter(stage, leaf) {
  const { media, codec, relay, origin } = stage
  const page = await stage.browsers[leaf % stage.browsers.length].newPage()
  page.on('pageerror', (error) => console.log(`leaf ${leaf}: ${error.stack}`))
  if (VERBOSE) page.on('console', (message) => console.log(`leaf ${leaf}: ${message.text()}`))
  await page.exposeFunction('sayToSwitch', (hex) => media.sayHex(leaf + 1, leaf, hex))
  media.listen(leaf + 1, (hex) => {
    const message = codec.decodeMedia(Uint8Array.from(Buffer.from(hex, 'hex')))
    if (message.kind === 'answer') relay.to(message.candidates[0].port)
    page.evaluate((said) => window.member.hear(said), hex).catch(() => {}) // it was closed
  })
  await page.goto(origin)
  await page.evaluate(
    (place) => {
      window.member = new window.Member(place)
    },
    { leaf, epoch: EPOCH, address: relay.address, port: relay.port },
  )
  return page
}

async function prepare() {
  await bundle('media-message.mjs', 'web/core/src/media-message.ts', 'esm')
  await bundle('page.js', 'tests/browser/page.ts', 'iife')
  await bundle('stand_in.js', 'tests/browser/stand_in.ts', 'iife')
  const codec = await import(pathToFileURL('media-message.mjs'))
  const { SwitchProcess } = await import(
    pathToFileURL(join(root, 'tests/interop/rtc/switch_process.mjs'))
  )
  const media = new SwitchProcess(program, codec)
  media.epoch(EPOCH, LEAVES)
  const relay = new Relay()
  await relay.open(BROWSERS.includes('firefox') ? outsideAddress() : '127.0.0.1')
  const server = await serve()
  const stage = {
    codec,
    media,
    relay,
    server,
    browsers: await Promise.all([...new Set(BROWSERS)].map(launch)),
    origin: `http://127.0.0.1:${server.address().port}/`,
  }
  stage.alice = await enter(stage, ALICE)
  stage.bob = await enter(stage, BOB)
  return stage
}

// ---- Asking pages ----

const pause = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

async function until(ask, fits, what, seconds = 60) {
  const end = Date.now() + seconds * 1000
  let said = await ask()
  while (!fits(said)) {
    if (Date.now() > end)
      throw new Error(`${what} took more than ${seconds} s: ${JSON.stringify(said)}`)
    await pause(100)
    said = await ask()
  }
  return said
}

const picture = (page, leaf) => page.evaluate((of) => window.member.picture(of), leaf)
const want = (page, leaf, height) =>
  page.evaluate(([of, most]) => window.member.want(of, most), [leaf, height])
const stats = (page, direction) => page.evaluate((of) => window.member.stats(of), direction)
const ofType = (all, type, kind) =>
  all.filter((s) => s.type === type && (kind === undefined || s.kind === kind))
const sum = (list, name) => list.reduce((all, entry) => all + (entry[name] ?? 0), 0)

// A picture that is not black, changes, and is as high as it should be.
async function isSeen(page, leaf, height) {
  const first = await until(
    () => picture(page, leaf),
    (p) => p?.height === height && p.bright > 8,
    `a picture ${height} high`,
  )
  await until(
    () => picture(page, leaf),
    (p) => p.sum !== first.sum,
    'another picture',
  )
}

const decoded = async (page) =>
  sum(ofType(await stats(page, 'recv'), 'inbound-rtp', 'video'), 'framesDecoded')

// Of how many layers frames are encoded.
async function encodedLayers(page) {
  const frames = async () => {
    const layers = ofType(await stats(page, 'send'), 'outbound-rtp', 'video')
    return new Map(layers.map((layer) => [layer.ssrc, layer.framesEncoded ?? 0]))
  }
  const before = await frames()
  await pause(500)
  return [...(await frames())].filter(([ssrc, n]) => n > (before.get(ssrc) ?? 0)).length
}

// ---- What is shown ----

const MOVES = 'media follows to another address'
// Firefox's consent checks nominate nothing (RFC 7675), so the switch does not follow them.
const NOT_WITH_FIREFOX = [MOVES]

const tests = {
  'both complete ICE, DTLS and SRTP with AEAD_AES_256_GCM': async ({ alice, bob }) => {
    for (const page of [alice, bob]) {
      await page.evaluate(() => window.member.join())
      await page.evaluate(([w, h, rate]) => window.member.publish(w, h, rate), SIZE)
    }
    for (const page of [alice, bob])
      for (const direction of ['send', 'recv']) {
        const [transport] = await until(
          async () => ofType(await stats(page, direction), 'transport'),
          ([t]) => t?.dtlsState === 'connected',
          `connecting to ${direction}`,
        )
        if (!transport.srtpCipher?.endsWith('AEAD_AES_256_GCM'))
          throw new Error(`the cipher to ${direction} is ${transport.srtpCipher}`)
        if (VERBOSE)
          console.log(direction, transport.tlsVersion, transport.dtlsCipher, transport.iceState)
      }
  },

  "each sees the other's camera": async ({ alice, bob }) => {
    await want(bob, ALICE, 180)
    await want(alice, BOB, 180)
    await isSeen(bob, ALICE, 135)
    await isSeen(alice, BOB, 135)
  },

  "each hears the other's microphone": async ({ alice, bob }) => {
    for (const [page, leaf] of [
      [alice, BOB],
      [bob, ALICE],
    ]) {
      const heard = await until(
        () => page.evaluate((of) => window.member.tone(of, 1.5), leaf),
        (tone) => tone?.peak > 0.01,
        'a tone',
      )
      if (VERBOSE) console.log(heard)
    }
    await until(
      () => bob.evaluate(() => window.member.speakers),
      (leaves) => leaves.includes(ALICE),
      'the speaker',
    )
  },

  'a larger or smaller layer comes when it is wanted': async ({ alice, bob }) => {
    await want(bob, ALICE, 270)
    await isSeen(bob, ALICE, 270)
    await want(bob, ALICE, 1080)
    await isSeen(bob, ALICE, 540)
    await want(bob, ALICE, 180)
    await isSeen(bob, ALICE, 135)
    await until(
      () => encodedLayers(alice),
      (n) => n === 1,
      'that nobody encodes what nobody wants',
    )
  },

  'lost packets are asked for and sent again, both ways': async ({ media, relay, alice, bob }) => {
    await want(bob, ALICE, 1080)
    await isSeen(bob, ALICE, 540)
    relay.share = 0.05
    await media.countUntil((n) => n.nacks > 0 && n.recovered_in > 0, 'the switch got nothing again')
    const [seen] = await until(
      async () => ofType(await stats(bob, 'recv'), 'inbound-rtp', 'video'),
      // Firefox does not tell what came by RTX
      ([s]) => s?.nackCount > 0 && (s.retransmittedPacketsReceived ?? 1) > 0,
      'a retransmission',
    )
    const before = await decoded(bob)
    await until(
      () => decoded(bob),
      (frames) => frames > before + 10,
      'a second of pictures',
    )
    relay.share = 0
    const sent = ofType(await stats(alice, 'send'), 'outbound-rtp', 'video')
    if (sum(sent, 'retransmittedPacketsSent') === 0) throw new Error('Alice sent nothing again')
    if (VERBOSE)
      console.log(
        relay.lost,
        seen.nackCount,
        seen.retransmittedPacketsReceived,
        await media.count(),
      )
  },

  'whoever cannot decode gets a key frame': async ({ media, relay, alice, bob }) => {
    const plis = async (page, direction, type) =>
      sum(ofType(await stats(page, direction), type, 'video'), 'pliCount')
    const bobs = () => plis(bob, 'recv', 'inbound-rtp')
    const alices = () => plis(alice, 'send', 'outbound-rtp')
    await want(bob, ALICE, 180)
    await isSeen(bob, ALICE, 135)
    const before = { bob: await bobs(), alice: await alices(), ...(await media.count()) }
    Object.assign(relay, { share: 0.1, type: RTX }) // nothing comes a second time
    await until(bobs, (n) => n > before.bob, 'a PLI of Bob')
    Object.assign(relay, { share: 0, type: null })
    await media.countUntil(
      (n) => n.key_frames_asked > before.key_frames_asked,
      'the switch asked nobody',
    )
    await until(alices, (n) => n > before.alice, 'a PLI to Alice')
    await isSeen(bob, ALICE, 135)
  },

  'reports come both ways': async ({ alice, bob }) => {
    const remote = ofType(await stats(alice, 'send'), 'remote-inbound-rtp')
    if (!remote.some((r) => r.roundTripTimeMeasurements > 0))
      throw new Error('no receiver report came')
    const reports = ofType(await stats(bob, 'recv'), 'remote-outbound-rtp')
    if (reports.length === 0) throw new Error('no sender report came')
  },

  'media goes on over an ICE restart': async ({ alice, bob }) => {
    const nameOf = async (page, direction) =>
      ofType(await stats(page, direction), 'transport')[0].iceLocalUsernameFragment
    const names = [await nameOf(alice, 'send'), await nameOf(bob, 'recv')]
    await alice.evaluate(() => window.member.restart())
    await bob.evaluate(() => window.member.restart())
    await until(
      () => nameOf(alice, 'send'),
      (name) => name !== names[0],
      'new credentials to send',
    )
    await until(
      () => nameOf(bob, 'recv'),
      (name) => name !== names[1],
      'new credentials to receive',
    )
    const before = await decoded(bob)
    await until(
      () => decoded(bob),
      (frames) => frames > before + 10,
      'a second of pictures',
    )
  },

  [MOVES]: async ({ relay, alice, bob }) => {
    relay.move()
    const before = await decoded(bob)
    await until(
      () => decoded(bob),
      (frames) => frames > before + 10,
      'a second of pictures',
    )
  },

  'who goes is gone': async ({ media, alice, bob }) => {
    const refused = await bob.evaluate(() => window.member.refused)
    if (refused !== 0) throw new Error('the switch refused something')
    await alice.evaluate(() => window.member.leave())
    await until(
      () => bob.evaluate(() => window.member.flows),
      (all) => all.includes(`${ALICE} camera waiting`),
      'that her camera is gone',
    )
    media.gone(ALICE + 1)
    await media.countUntil((n) => n.peers === 2, 'her peers are still there')
  },
}

// ---- ----

async function explain({ media, alice, bob }) {
  console.log(await media.count())
  for (const [who, page] of [
    ['Alice', alice],
    ['Bob', bob],
  ]) {
    console.log(who, await page.evaluate(() => window.member.flows))
    for (const direction of ['send', 'recv'])
      for (const entry of await stats(page, direction))
        if (/bound-rtp/.test(entry.type)) console.log(JSON.stringify(entry))
  }
}

const stage = await prepare()
let failed = 0
for (const [name, show] of Object.entries(tests)) {
  if (BROWSERS.includes('firefox') && NOT_WITH_FIREFOX.includes(name)) {
    console.log(`not with Firefox: ${name}`)
    continue
  }
  const start = Date.now()
  try {
    await show(stage)
    console.log(`ok ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`)
  } catch (error) {
    failed++
    console.log(`FAILED ${name}: ${error.message}`)
    if (VERBOSE) await explain(stage)
    break // what follows needs it
  }
}
for (const browser of stage.browsers) await browser.close()
stage.server.close()
stage.relay.close()
if ((await stage.media.end()) !== 0) failed++
process.exit(failed === 0 ? 0 : 1)
