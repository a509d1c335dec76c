/* What strangers want of the page: text that would be a script, frames and windows of others, styles
 * that hide what is to be seen. Changed scripts: scripts.test.mjs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { missing, openPage, root, startBrowser, startServer } from "./harness.mjs";

const why = missing();
if (why !== null) console.log(`** SKIPPED: ${why}. Nothing was shown about changed pages. **`);
const options = { skip: why ?? false };

let server;
let browser;
before(async () => {
  if (why !== null) return;
  server = await startServer(join(root, "build/web"));
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a style that was changed is not taken", options, async () => {
  const context = await browser.newContext();
  const { page, faults } = await openPage(context, server.url);
  await page.route("**/assets/app-*.css", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${await response.text()} .unverified { display: none }` });
  });
  await page.goto(server.url);
  await page.getByRole("heading").first().waitFor();
  assert.ok(faults.some((fault) => /integrity/.test(fault)));
  assert.equal(await page.evaluate(() => document.styleSheets.length), 0);
  await context.close();
});

test("text of the server's becomes neither script nor page", options, async () => {
  const context = await browser.newContext();
  const { page } = await openPage(context, server.url);
  await page.goto(server.url);
  await page.getByRole("heading").first().waitFor();
  const tried = await page.evaluate(() => {
    const outcome = (work) => {
      try {
        work();
        return "done";
      } catch (error) {
        return error.name;
      }
    };
    return [
      outcome(() => (document.body.innerHTML = "<img src=x onerror=alert(1)>")),
      outcome(() => document.write("<script>alert(1)</script>")),
      outcome(() => new Worker("/m/1234567890", { type: "module" })),
      outcome(() => new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])))),
    ];
  });
  assert.deepEqual(tried, ["TypeError", "TypeError", "TypeError", "TypeError"]);
  await context.close();
});

/** Somebody else's page, on another origin, that shows this. */
async function elsewhere(html) {
  const other = createServer((_, response) => response.end(html)).listen(0, "127.0.0.1");
  await new Promise((done) => other.once("listening", done));
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  return { page, end: async () => (await context.close(), other.close()) };
}

test("the app is in nobody's frame, and answers to no window that opened it", options, async () => {
  const { page, end } = await elsewhere(`<iframe src="${server.url}"></iframe>`);
  const frame = await page.locator("iframe").elementHandle();
  await page.waitForTimeout(500);
  const inside = await frame.contentFrame();
  assert.doesNotMatch(inside?.url() ?? "", new RegExp(new URL(server.url).host));
  const popup = page.waitForEvent("popup");
  await page.evaluate((url) => {
    globalThis.other = window.open(url);
  }, server.url);
  const app = await popup;
  await app.getByRole("heading").first().waitFor();
  assert.equal(await app.evaluate(() => window.opener), null);
  assert.equal(await page.evaluate(() => globalThis.other.closed), true); // as it seems from there
  await end();
});
