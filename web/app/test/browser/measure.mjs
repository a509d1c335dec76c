/* How long one waits, in milliseconds: from opening a link to a core that is ready, and from the click on
 * "Join now" to being in the meeting and to the first picture of somebody else that is shown.
 *
 *     node measure.mjs [TIMES]      CONCLAVED, CONCLAVE as for the tests
 */
import { join } from "node:path";
import { openPage, root, startBrowser, startServer } from "./harness.mjs";
import { makeMeeting, Native } from "./native.mjs";

const times = Number(process.argv[2] ?? 10);
const server = await startServer(join(root, "build/web"));
const browser = await startBrowser("--autoplay-policy=no-user-gesture-required");

/* Runs in the page: watches for what a person waits for. */
function watch() {
  const seen = (globalThis.seen = {});
  document.addEventListener("click", (event) => {
    if (event.target.closest("button")?.textContent.includes("Join now"))
      seen.click = performance.now();
  });
  const look = () => {
    if (document.querySelector(".meeting")) seen.inside ??= performance.now();
    const tiles = [...document.querySelectorAll(".tile")];
    const video = tiles.find((tile) => tile.textContent.includes("Ada"))?.querySelector("video");
    if (!video) return void setTimeout(look, 1);
    video.requestVideoFrameCallback((now) => (seen.picture = now));
  };
  look();
}

async function once(link) {
  const context = await browser.newContext();
  const { page } = await openPage(context, server.url);
  await page.addInitScript(watch);
  await page.goto(link);
  await page.getByLabel("Your name").fill("Bo");
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByRole("button", { name: "Join now" }).click();
  await page.waitForFunction(() => globalThis.seen.picture !== undefined);
  const found = await page.evaluate(() => ({
    ready: performance.getEntriesByName("conclave-ready")[0].startTime,
    ...globalThis.seen,
  }));
  await context.close();
  const { ready, click, inside, picture } = found;
  return { ready, inside: inside - click, picture: picture - click };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

try {
  const link = await makeMeeting(server, "--everybody");
  const host = Native.host(server, link, "--synthetic", "1");
  await host.wait((e) => e.event === "phase" && e.phase === "in-meeting");
  const all = [];
  for (let i = 0; i < times; i++) all.push(await once(link));
  await host.stop();
  for (const what of ["ready", "inside", "picture"]) {
    const list = all.map((one) => one[what]);
    const text = `median ${median(list).toFixed(0)}, most ${Math.max(...list).toFixed(0)} ms`;
    console.log(`${what.padEnd(8)} ${text}`);
  }
} finally {
  await browser.close();
  await server.stop();
}
