/* A server with an app, and a browser that opens it. CONCLAVED names the program; CHROMIUM the
 * browser, else Debian's. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");
const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const CONCLAVED = process.env.CONCLAVED ?? join(root, "build/bin/conclaved");
const START_TRIES = 600;

/** Why no browser test can run here, or null. */
export function missing() {
  if (!existsSync(PROGRAM))
    return `there is no ${PROGRAM}; tools/install-deps.sh browser installs it`;
  if (!existsSync(CONCLAVED)) return `there is no ${CONCLAVED}; make builds it`;
  return null;
}

/** One process of the server: started, and where it answers. */
async function run(settings, address) {
  await rm(address, { force: true });
  const child = spawn(CONCLAVED, ["--config", settings], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  for (let i = 0; i < START_TRIES; i++) {
    if (child.exitCode !== null) throw new Error(`conclaved does not start: ${log}`);
    await sleep(50);
    const url = existsSync(address) ? (await readFile(address, "utf8")).trim() : "";
    if (url !== "") return { child, url };
  }
  throw new Error(`conclaved does not get ready: ${log}`);
}

async function kill(child) {
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGKILL");
  await ended;
}

export async function startServer(web, more = "") {
  const folder = await mkdtemp(join(tmpdir(), "conclave-app-"));
  const settings = join(folder, "conclaved.ini");
  const address = join(folder, "data/run/address");
  const text = (port) =>
    `[server]\nport = ${port}\nweb = ${web}\ndata = ${join(folder, "data")}\n${more}`;
  await writeFile(settings, text(0));
  let { child, url } = await run(settings, address);
  return {
    url,
    folder,
    /** Killed, and started again at the same place. */
    async restart() {
      await kill(child);
      await writeFile(settings, text(new URL(url).port));
      ({ child } = await run(settings, address));
    },
    async stop() {
      await kill(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const launch = (...more) =>
  chromium.launch({
    executablePath: PROGRAM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      ...more,
    ],
  });

/** Whoever asks for devices gets them, and a false screen. */
export const startBrowser = (...more) => launch("--use-fake-ui-for-media-stream", ...more);

/** Whoever asks for a screen gets the tab of this title; devices take a permission of the context. */
export const startSharingBrowser = (title, ...more) =>
  launch(`--auto-select-tab-capture-source-by-title=${title}`, ...more);

/** Runs in a page of a context of its own, in which nothing that should never happen does. */
export async function withPage(browser, origin, options, work) {
  const context = await browser.newContext(options);
  try {
    const { page, faults } = await openPage(context, origin);
    await work(page);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

/** A page that collects what should never happen: script errors, blocked things, requests abroad. */
export async function openPage(context, origin) {
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== origin)
      faults.push(`third party: ${request.url()}`);
  });
  return { page, faults };
}
