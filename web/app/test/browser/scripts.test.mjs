/* Scripts that are not what the build put out: the browser runs none of them, also where browsers do
 * not look by themselves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPage, root, startBrowser, startServer } from "./harness.mjs";
import { notHere, WEB } from "./people.mjs";

const why = notHere();
const options = { skip: why ?? false };

let server;
let browser;
before(async () => {
  if (why !== null) return;
  server = await startServer(WEB);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function inPage(work) {
  const context = await browser.newContext();
  try {
    const { page } = await openPage(context, server.url);
    await work(page);
  } finally {
    await context.close();
  }
}

/** Whoever is between server and browser gives out something else, of the same use. */
async function change(page, files, append) {
  let changed = 0;
  await page.route(files, async (route) => {
    const response = await route.fetch();
    changed++;
    await route.fulfill({ response, body: Buffer.concat([await response.body(), append]) });
  });
  return () => changed;
}

const COMMENT = Buffer.from("\n// and something else\n");
const CUSTOM_SECTION = Buffer.from([0, 2, 1, 0x78]); /* which changes nothing */

for (const [what, files, append] of [
  ["core's worker", "**/assets/core-worker-*.js", COMMENT],
  ["core itself", "**/assets/conclave-*.wasm", CUSTOM_SECTION],
])
  test(`the ${what}, changed on the way, is not run, and that is told`, options, () =>
    inPage(async (page) => {
      const changed = await change(page, files, append);
      await page.goto(server.url);
      await page.getByText("The encryption could not be started.").waitFor();
      assert.equal(changed(), 1);
    }),
  );

test("the page's own script, changed on the way, is not run, and that is told", options, () =>
  inPage(async (page) => {
    const changed = await change(page, "**/assets/app-*.js", COMMENT);
    await page.goto(server.url);
    await page.getByRole("heading", { name: "The page does not start" }).waitFor();
    assert.equal(changed(), 1);
    assert.equal(await page.locator("#app > *").count(), 1);
    await page.screenshot({ path: join(root, "build/screens/changed-script.png") });
  }),
);

test("no worker is started that was not compared with the build", options, () =>
  inPage(async (page) => {
    await page.goto(server.url);
    await page.getByRole("heading").first().waitFor();
    const outcome = await page.evaluate(() => {
      const own = URL.createObjectURL(new Blob(["postMessage(1)"], { type: "text/javascript" }));
      return ["/assets/anything.js", own].map((url) => {
        try {
          new Worker(url, { type: "module" });
          return "started";
        } catch (error) {
          return error.name;
        }
      });
    });
    assert.deepEqual(outcome, ["TypeError", "TypeError"]);
  }),
);
