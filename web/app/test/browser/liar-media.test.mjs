/* A server that lies about media: it gives members' streams other slots than the switch does, and calls
 * them others'. Whose a picture is says its SFrame key ID (docs/THREAT-MODEL.md, 35 and 45). */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openEyes } from "./eyes.mjs";
import { openPage, startBrowser, startServer } from "./harness.mjs";
import { makeMeeting, Native } from "./native.mjs";
import { hostOf, isIn, knockIn, notHere, WEB } from "./people.mjs";

const why = notHere();
const PATIENCE_MS = 30_000;
const SENDERS = { Ada: 1, Dan: 4 };

let server;
let browser;
const opened = [];
before(async () => {
  if (why !== null) return;
  server = await startServer(WEB);
  browser = await startBrowser("--autoplay-policy=no-user-gesture-required");
});
after(async () => {
  for (const end of opened.reverse()) await end();
  await browser?.close();
  await server?.stop();
});

/* ---- Lies: docs/PROTOCOL.md sections 5 and 9, changed in place ---- */

const MEDIA = 80;
const ANSWER = 64;
const FLOWS = 65;
const SLOT = 8; // bytes: ssrc, rtx
const FLOW = 15; // leaf, source, gone, state, ssrc, rtx

/** The vector that begins at `at`: RFC 9420 2.1.2. */
function vectorAt(data, at) {
  const size = 1 << (data[at] >> 6);
  const n = data.readUIntBE(at, size) % 2 ** (8 * size - 2);
  return { begin: at + size, end: at + size + n };
}

function reverseSlots(data, at) {
  for (let field = 0; field < 2; field++) at = vectorAt(data, at).end; // ufrag, pwd
  at += 32; // fingerprint
  for (let field = 0; field < 2; field++) at = vectorAt(data, at).end; // candidates, audio
  const { begin, end } = vectorAt(data, at);
  const slots = [];
  for (let i = begin; i < end; i += SLOT) slots.push(Buffer.from(data.subarray(i, i + SLOT)));
  Buffer.concat(slots.reverse()).copy(data, begin);
}

/** The first two members are each other. */
function swapLeaves(data, at) {
  const { begin, end } = vectorAt(data, at);
  for (let i = begin; i < end; i += FLOW) {
    const leaf = data.readUInt32BE(i);
    if (leaf < 2) data.writeUInt32BE(1 - leaf, i);
  }
}

/** Changes what the server says of media; counts it. */
function lie(frame, count) {
  const data = Buffer.from(frame);
  if (data[0] !== MEDIA) return data;
  const { begin } = vectorAt(data, 1);
  if (data[begin] === ANSWER) reverseSlots(data, begin + 2);
  else if (data[begin] === FLOWS) swapLeaves(data, begin + 1);
  else return data;
  count[data[begin]] = (count[data[begin]] ?? 0) + 1;
  return data;
}

const TITLE = "35: each picture is shown as its sender's, whatever the server calls it";

test(TITLE, { skip: why ?? false }, async () => {
  const link = await makeMeeting(server, "--everybody");
  await hostOf(opened, server, link, "--synthetic", String(SENDERS.Ada));
  const dan = Native.join(link, "Dan", "--synthetic", String(SENDERS.Dan));
  opened.push(() => dan.stop());
  await isIn(dan);

  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  await openEyes(context);
  const { page, faults } = await openPage(context, server.url);
  const lies = {};
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const real = socket.connectToServer();
    real.onMessage((frame) => socket.send(lie(frame, lies)));
  });
  await knockIn(page, link, "Bo");
  await page.locator(".meeting").waitFor();
  const tiles = await page.evaluate(
    ([n, ms]) => globalThis.eyes.watch(n, ms),
    [Object.keys(SENDERS).length, PATIENCE_MS],
  );
  assert.ok(lies[ANSWER] > 0 && lies[FLOWS] > 0);
  for (const [name, sender] of Object.entries(SENDERS)) {
    const cards = tiles.find(({ text }) => text.includes(name))?.cards ?? [];
    assert.ok(cards.length >= 3, `${name} is not seen to move`);
    assert.deepEqual(new Set(cards.map((card) => card.sender)), new Set([sender]), name);
  }
  assert.deepEqual(faults, []);
});
