// The browser app in Firefox: a meeting with a native host and a guest in Chromium.
//
//     node app.mjs CONCLAVED ROOT
//
// `conclave` is looked for beside CONCLAVED; the app is ROOT/build/web, and what drives server, host and
// Chromium is of ROOT/web/app/test/browser: `make web` has built the one and installed the packages of
// the other. README.md says what is shown. Where any of that is missing it says so and exits with 77.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { launch, missing } from './browsers.mjs'
import { outsideAddress, Relay } from './relay.mjs'

const [, , conclaved, root] = process.argv
const PATIENCE = 30_000
process.env.CONCLAVED = conclaved
process.env.CONCLAVE = join(dirname(conclaved), 'conclave')

const needed = [process.env.CONCLAVE, join(root, 'build/web'), join(root, 'web/app/node_modules')]
const lacking = missing(['firefox', 'chromium']) ?? needed.find((path) => !existsSync(path))
if (lacking !== undefined) {
  console.log(`** SKIPPED: there is no ${lacking}. Nothing was shown about Firefox in this run. **`)
  process.exit(process.env.INTEROP_REQUIRED === '1' ? 1 : 77)
}
const helpers = (name) => import(pathToFileURL(join(root, 'web/app/test/browser', name)))
const { startBrowser, startServer } = await helpers('harness.mjs')
const { makeMeeting } = await helpers('native.mjs')
const { codeOf, hostOf, knock, tileOf } = await helpers('people.mjs')

// ---- In Firefox ----

// Media's connections are kept where a test can ask them for numbers.
function keepConnections() {
  globalThis.connections = []
  const Plain = RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Plain {
    constructor(...parameters) {
      super(...parameters)
      globalThis.connections.push(this)
    }
  }
}

async function until(page, what, holds, ...parameters) {
  const end = Date.now() + PATIENCE
  while (!(await page.evaluate(holds, ...parameters))) {
    if (Date.now() > end)
      assert.fail(`not so: ${what}; but: ${await page.evaluate(() => document.body.innerText)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  console.log(`ok: ${what}`)
}

async function click(page, name) {
  await until(
    page,
    `there is "${name}"`,
    (text) => {
      const words = (e) => e.querySelector('.hidden')?.textContent ?? e.textContent
      const named = (e) => (e.getAttribute('aria-label') ?? words(e)).trim()
      const found = [...document.querySelectorAll('button')].find((e) => named(e) === text)
      found?.click()
      return found !== undefined
    },
    name,
  )
}

async function type(page, label, text) {
  await until(
    page,
    `there is the field "${label}"`,
    (name) => {
      const named = (e) => e.getAttribute('aria-label') ?? e.labels[0]?.textContent
      const found = [...document.querySelectorAll('input, textarea')].find((e) => named(e) === name)
      found?.focus()
      return found !== undefined
    },
    label,
  )
  await page.keyboard.type(text)
}

// A picture that is not black and changes.
const moving = async (name) => {
  const tile = [...document.querySelectorAll('.tile')].find((e) => e.textContent.includes(name))
  const video = tile?.querySelector('video')
  if (!video?.videoWidth) return false
  const look = () => {
    const canvas = document.createElement('canvas')
    ;[canvas.width, canvas.height] = [32, 18]
    const g = canvas.getContext('2d')
    g.drawImage(video, 0, 0, 32, 18)
    return [...g.getImageData(0, 0, 32, 18).data]
  }
  const before = look()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = look()
  const light = after.filter((_, i) => i % 4 !== 3).reduce((a, b) => a + b, 0)
  return light > 32 * 18 * 10 && after.some((x, i) => x !== before[i])
}

// Sound that was decoded and is not silence: an analyser is given none without a sound device.
const sounding = async () => {
  const reports = await Promise.all(globalThis.connections.map((c) => c.getStats()))
  const all = reports.flatMap((report) => [...report.values()])
  return all.some((s) => s.type === 'inbound-rtp' && s.kind === 'audio' && s.totalAudioEnergy > 0)
}

const codeOn = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.panel .code span')].map((e) => e.textContent).join(' '),
  )

// ---- The story ----

const ends = []
try {
  const relay = new Relay()
  await relay.open(outsideAddress())
  relay.to(relay.port)
  ends.push(() => relay.close())
  const server = await startServer(
    join(root, 'build/web'),
    `[media]\nworkers = 1\nport = ${relay.port}\naddresses = ${relay.address}\n`,
  )
  ends.push(() => server.stop())
  const link = await makeMeeting(server, '--everybody')
  const host = await hostOf(ends, server, link)

  const firefox = await launch('firefox')
  ends.push(() => firefox.close())
  const page = await firefox.newPage()
  const faults = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.evaluateOnNewDocument(keepConnections)
  await page.setViewport({ width: 1100, height: 750 })
  await page.goto(link)
  console.log(await page.evaluate(() => navigator.userAgent))
  await type(page, 'Your name', 'Fox')
  await click(page, 'Continue')
  await until(
    page,
    'the camera is seen before joining',
    () => document.querySelector('.preview video')?.videoWidth > 0,
  )
  await click(page, 'Join now')
  await until(page, 'Firefox is in the meeting', () => document.querySelector('.meeting') !== null)

  const chromium = await startBrowser('--autoplay-policy=no-user-gesture-required')
  ends.push(() => chromium.close())
  const cy = await knock(ends, chromium, link, 'Cy')
  await cy.page.locator('.meeting').waitFor()

  await until(page, "Firefox sees Chromium's picture move", moving, 'Cy')
  await until(page, 'Firefox hears', sounding)
  await tileOf(cy.page, 'Fox').locator('video').waitFor()
  await until(cy.page, "Chromium sees Firefox's picture move", moving, 'Fox')

  await click(page, 'Chat')
  await type(page, 'Message to everybody', 'Is there tea?')
  await click(page, 'Send')
  await host.wait((e) => e.event === 'chat' && e.text === 'Is there tea?')
  host.tell({ do: 'say', text: 'There is.' })
  await until(page, 'Firefox reads the chat', () =>
    [...document.querySelectorAll('.message-text')].some((e) => e.textContent === 'There is.'),
  )

  await click(page, 'End-to-end encrypted')
  await click(page, 'Security')
  await until(page, 'the code is there', () => document.querySelector('.panel .code') !== null)
  assert.equal(await codeOn(page), await codeOf(host), 'the security code is the same')
  console.log(`ok: the code is ${await codeOn(page)} for all`)
  assert.match(await page.evaluate(() => document.body.innerText), /AES-256-GCM, inside DTLS-SRTP/)
  assert.deepEqual([faults, cy.faults], [[], []], 'nothing was blocked, and no script failed')
} finally {
  for (const end of ends.reverse()) await end()
}
