/* A tab that is shared by one browser and seen in another: what is in it, and that it goes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { codeOf } from "./card.mjs";
import { openEyes } from "./eyes.mjs";
import { openPage, startBrowser, startServer, startSharingBrowser } from "./harness.mjs";
import { makeMeeting } from "./native.mjs";
import { control, hostOf, knockIn, notHere, tileOf, WEB } from "./people.mjs";

const why = notHere();
const TITLE = "Slides";
const SENDER = 99;

let server;
const opened = [];

before(async () => {
  if (why === null) server = await startServer(WEB);
});
after(async () => {
  for (const end of opened.reverse()) await end();
  await server?.stop();
});

async function guest(browser, link, name) {
  const context = await browser.newContext({
    viewport: { width: 1000, height: 700 },
    permissions: ["camera", "microphone"],
  });
  await openEyes(context);
  const { page, faults } = await openPage(context, server.url);
  await knockIn(page, link, name);
  await page.locator(".meeting").waitFor();
  return { context, page, faults };
}

/* A tab full of a test card that changes ten times a second. */
async function showSlides(context, codes) {
  const page = await context.newPage();
  await page.setContent(`<title>${TITLE}</title><canvas style="position:fixed;inset:0"></canvas>`);
  await page.evaluate((all) => {
    const canvas = document.querySelector("canvas");
    [canvas.width, canvas.height] = [innerWidth, innerHeight];
    const g = canvas.getContext("2d");
    let next = 0;
    setInterval(() => {
      const bits = all[next++ % all.length];
      const [width, height] = [canvas.width / 16, canvas.height / 8];
      g.fillStyle = "gray";
      g.fillRect(0, 0, canvas.width, canvas.height);
      [...bits].forEach((bit, i) => {
        g.fillStyle = bit === "1" ? "white" : "black";
        g.fillRect((i % 16) * width, (4 + Math.floor(i / 16)) * height, width, height);
      });
    }, 100);
  }, codes);
}

/* Three different pictures in a tile, all of that sender. */
async function seesIn(page, tile, sender) {
  const cards = await page.evaluate(
    async ([selector, ms]) => {
      const seen = await globalThis.eyes.watch(1, ms, selector);
      return seen.flatMap((one) => one.cards);
    },
    [tile, 30_000],
  );
  const numbers = new Set(cards.map((card) => card.number));
  assert.ok(numbers.size >= 3, `no moving picture in ${tile}`);
  assert.ok(
    cards.every((card) => card.sender === sender),
    `of somebody else: ${JSON.stringify(cards)}`,
  );
  return cards.at(-1);
}

test("a shared tab is seen large, gone when it is shared no more, and back when it is", {
  skip: why ?? false,
}, async () => {
  const link = await makeMeeting(server, "--everybody");
  await hostOf(opened, server, link, "--synthetic", "1");
  const sharing = await startSharingBrowser(TITLE);
  const watching = await startBrowser("--autoplay-policy=no-user-gesture-required");
  opened.push(
    () => sharing.close(),
    () => watching.close(),
  );
  const bo = await guest(sharing, link, "Bo");
  const cy = await guest(watching, link, "Cy");
  await showSlides(
    bo.context,
    Array.from({ length: 50 }, (_, n) => codeOf(SENDER, n).toString(2).padStart(64, "0")),
  );
  await bo.page.bringToFront();
  await control(bo.page, "Share screen").click();
  const large = cy.page.locator(".tile.large", { hasText: "Bo" });
  await large.waitFor();
  const { height } = await seesIn(cy.page, ".tile.large", SENDER);
  assert.ok(height >= 360, `text cannot be read at ${height}`);
  await seesIn(cy.page, ".tile:not(.large)", 1); // Ada, beside it
  await control(bo.page, "Stop sharing").click();
  await large.waitFor({ state: "detached" });
  await tileOf(cy.page, "Bo").locator("video").waitFor();
  await control(bo.page, "Stop video").click();
  await tileOf(cy.page, "Bo").locator("video").waitFor({ state: "detached" });
  await control(bo.page, "Start video").click();
  await tileOf(cy.page, "Bo").locator("video").waitFor();
  await control(bo.page, "Share screen").click();
  await seesIn(cy.page, ".tile.large", SENDER);
  assert.deepEqual([bo.faults, cy.faults], [[], []]);
});
