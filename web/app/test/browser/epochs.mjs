/* Two browsers and a native participant in a call while the group's keys change CHANGES times, 100 if
 * nothing else is said, at most every PACE milliseconds, 200 if not said: somebody comes and goes. What
 * was sealed is compared with what was opened. On a machine that does nothing else: whoever gets no
 * processor for half a second has no keys either.
 *
 *     node --test epochs.mjs      make test-epochs
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fakeDevices } from "./card.mjs";
import { openEyes } from "./eyes.mjs";
import { openPage, startBrowser, startServer } from "./harness.mjs";
import { makeMeeting, Native } from "./native.mjs";
import { frameStats } from "./probe.mjs";
import { hostOf, isIn, knockIn, notHere, WEB } from "./people.mjs";

const why = notHere();
const CHANGES = Number(process.env.CHANGES ?? 100);
const PACE = Number(process.env.PACE ?? 200);
const SIZE = [320, 180]; // one layer: whatever is sealed is for everybody
const BROWSERS = ["Bo", "Cy"];
const ON_THE_WAY = 15; // frames, when counts are taken: a moment apart

let folder;
let server;
const opened = [];

before(async () => {
  if (why !== null) return;
  folder = await mkdtemp(join(tmpdir(), "conclave-epochs-"));
  server = await startServer(WEB);
});
after(async () => {
  for (const end of opened.reverse()) await end();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function guest(link, name, sender) {
  const devices = await fakeDevices(folder, sender, SIZE);
  const browser = await startBrowser("--autoplay-policy=no-user-gesture-required", ...devices);
  opened.push(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
  await openEyes(context);
  const { page } = await openPage(context, server.url);
  await knockIn(page, link, name);
  await page.locator(".meeting").waitFor();
  return page;
}

/* ---- Counting ---- */

const sum = (list, name) => list.reduce((all, entry) => all + (entry[name] ?? 0), 0);

async function countIn(page) {
  const frames = await frameStats(page);
  const stats = await page.evaluate(() => globalThis.eyes.stats());
  const inbound = (kind) => stats.filter((s) => s.type === "inbound-rtp" && s.kind === kind);
  const [video, audio] = [inbound("video"), inbound("audio")];
  return {
    sealed: frames.sealed,
    opened: frames.opened,
    held: frames.held,
    refused: Object.values(frames.refused).reduce((all, n) => all + n, 0),
    lost: sum(video, "packetsLost") + sum(audio, "packetsLost"),
    freezes: sum(video, "freezeCount"),
    frozen: sum(video, "totalFreezesDuration"),
    concealed: sum(audio, "concealedSamples") / 48_000,
    why: JSON.stringify(frames.refused),
  };
}

async function countOf(native) {
  const { sent, received, refused } = await native.ask("media");
  const others = received.filter(({ name }) => BROWSERS.includes(name));
  const pictures = others.filter(({ source }) => source === "camera");
  return {
    sealed: sum(sent, "frames"),
    opened: sum(others, "frames"),
    refused: Object.values(refused).reduce((all, n) => all + n, 0),
    why: JSON.stringify(refused),
    lost: sum(others, "lost"),
    freezes: sum(pictures, "freezes"),
    frozen: sum(pictures, "freeze_ms") / 1000,
  };
}

const countAll = async (ada, pages) =>
  Promise.all([countOf(ada), ...pages.map((page) => countIn(page))]);

function since(before, now) {
  const change = Object.entries(now).map(([name, n]) => [
    name,
    typeof n === "number" ? n - before[name] : n,
  ]);
  return Object.fromEntries(change);
}

/* ---- Changes ---- */

const epochOf = async (native) => (await native.ask("code")).epoch;

async function comeAndGo(link) {
  const somebody = Native.join(link, "Zoe");
  try {
    await isIn(somebody);
    somebody.tell({ do: "leave" });
    await somebody.wait((e) => e.event === "over");
  } finally {
    await somebody.stop();
  }
}

/* Each receiver's line: how many frames the others sealed, and what became of them. */
function report(names, counts) {
  const line = (cells) => console.log(`# | ${cells.join(" | ")} |`);
  line(["", "sealed for it", "opened", "waited", "refused", "lost", "freezes", "s", "concealed, s"]);
  counts.forEach((c, i) => {
    const { toOpen, opened, held = "", refused, lost, freezes, frozen, concealed } = c;
    const seconds = concealed?.toFixed(2) ?? "";
    line([names[i], toOpen, opened, held, refused, lost, freezes, frozen.toFixed(2), seconds]);
    if (refused > 0) console.log(`# ${names[i]} refused ${c.why}`);
  });
}

test(`keys change ${CHANGES} times in a call, and no frame is lost by it`, {
  skip: why ?? false,
}, async () => {
  const link = await makeMeeting(server, "--everybody");
  const record = ["--record", join(folder, "ada")];
  const ada = await hostOf(opened, server, link, "--synthetic", "1", ...record);
  const pages = [await guest(link, "Bo", 7), await guest(link, "Cy", 10)];
  for (const page of pages) await page.evaluate((ms) => globalThis.eyes.watch(3, ms), 30_000);
  await sleep(3000);
  const before = await countAll(ada, pages);
  const first = await epochOf(ada);
  const begun = Date.now();
  while ((await epochOf(ada)) < first + CHANGES)
    await Promise.all([comeAndGo(link), sleep(2 * PACE)]); /* which is two changes */
  const seconds = (Date.now() - begun) / 1000;
  const counts = (await countAll(ada, pages)).map((count, i) => since(before[i], count));
  const sealed = sum(counts, "sealed");
  for (const count of counts) count.toOpen = sealed - count.sealed;
  const names = ["Ada", ...BROWSERS];
  console.log(`# ${(await epochOf(ada)) - first} changes in ${seconds.toFixed(0)} s`);
  report(names, counts);
  counts.forEach((count, i) => {
    assert.equal(count.refused, 0, `${names[i]} refused ${count.why}`);
    const missing = count.toOpen - count.opened - count.lost;
    assert.ok(missing <= ON_THE_WAY, `${names[i]} misses ${missing} of ${count.toOpen} frames`);
  });
});
