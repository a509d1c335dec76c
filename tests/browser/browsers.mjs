// Browsers with an empty profile, a fake camera and a fake microphone. Both kinds have pages with
// goto(), evaluate(), exposeFunction() and on().

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CHROMIUM = {
  path: process.env.CHROMIUM ?? '/usr/bin/chromium',
  async launch(executablePath, folder) {
    const { chromium } = await import('playwright-core')
    return chromium.launchPersistentContext(folder, {
      executablePath,
      headless: true,
      chromiumSandbox: false,
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        '--autoplay-policy=no-user-gesture-required',
        '--allow-loopback-in-peer-connection',
      ],
    })
  },
}

const FIREFOX = {
  path: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
  async launch(executablePath, userDataDir) {
    const { launch } = await import('puppeteer-core')
    return launch({
      browser: 'firefox',
      executablePath,
      userDataDir,
      headless: true,
      extraPrefsFirefox: {
        'media.navigator.permission.disabled': true,
        'media.navigator.streams.fake': true,
        'media.autoplay.default': 0,
        'media.autoplay.blocking_policy': 0,
        'media.autoplay.block-webaudio': false,
        'media.peerconnection.ice.loopback': true,
      },
    })
  },
}

const BROWSERS = { chromium: CHROMIUM, firefox: FIREFOX }

// The path of one that is not installed, or undefined.
export const missing = (names) =>
  names.map((name) => BROWSERS[name].path).find((path) => !existsSync(path))

export async function launch(name) {
  const folder = await mkdtemp(join(tmpdir(), `conclave-${name}-`))
  const browser = await BROWSERS[name].launch(BROWSERS[name].path, folder)
  return {
    newPage: () => browser.newPage(),
    async close() {
      await browser.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
