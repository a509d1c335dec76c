/* People of a test: how they come in, what they do, and what each of them has on the screen. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { missing, openPage, root } from "./harness.mjs";
import { CONCLAVE, Native } from "./native.mjs";

export const WEB = join(root, "build/web");

/** Why no real meeting can be held here, or null; told once. */
export function notHere() {
  const why =
    missing() ??
    (existsSync(CONCLAVE) ? null : `there is no ${CONCLAVE}`) ??
    (existsSync(WEB) ? null : "there is no build/web; make web builds it");
  if (why !== null) console.log(`** SKIPPED: ${why}. Nothing was shown about real meetings. **`);
  return why;
}

export const isIn = (native) =>
  native.wait((e) => e.event === "phase" && e.phase === "in-meeting", "being in");

/** A native host who is in; ended with the others that are in `opened`. */
export async function hostOf(opened, server, link, ...more) {
  const host = Native.host(server, link, ...more);
  opened.push(() => host.stop());
  await isIn(host);
  return host;
}

/** A guest in a browser, up to the door. */
export async function knockIn(page, link, name) {
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByRole("button", { name: "Join now" }).click();
}

/** The same with a page of its own, in a context of its own. */
export async function knock(opened, browser, link, name) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  opened.push(() => context.close());
  const { page, faults } = await openPage(context, new URL(link).origin);
  await knockIn(page, link, name);
  return { page, faults };
}

export const control = (page, name) =>
  page.locator(".control-bar").getByRole("button", { name }).first();

export const tileOf = (page, name) => page.locator(".tile", { hasText: name });

/** A heading; if it does not come, what there is instead. */
export async function headed(page, name) {
  await page
    .getByRole("heading", { name })
    .waitFor()
    .catch(async () =>
      assert.fail(`not "${name}", but: ${await page.locator("body").innerText()}`),
    );
}

/* ---- Security codes ---- */

async function codeOn(page) {
  if ((await page.locator(".panel .code").count()) === 0) {
    await page.getByRole("button", { name: "End-to-end encrypted" }).click();
    await page.getByRole("tab", { name: "Security" }).click();
  }
  await page.locator(".panel .code").waitFor();
  return (await page.locator(".panel .code span").allInnerTexts()).join(" ");
}

export async function codeOf(native) {
  return (await native.ask("code")).code;
}

/** All of them show the same code: at once, or as soon as each has followed. */
export async function sameCode(pages, natives) {
  for (let i = 0; i < 50; i++) {
    const codes = [
      ...(await Promise.all(pages.map(codeOn))),
      ...(await Promise.all(natives.map(codeOf))),
    ];
    if (new Set(codes).size === 1) return codes[0];
    await pages[0].waitForTimeout(100);
  }
  assert.fail("the codes stay different");
}
