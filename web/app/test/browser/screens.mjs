/* Pictures of every screen, light and dark, at three widths, into build/screens: for people to look at.
 *
 *     node screens.mjs [NAME...]
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openPage, root, startBrowser, startServer } from "./harness.mjs";
import { scenes } from "./scenes.mjs";

const SIZES = [
  [360, 740],
  [1280, 800],
  [2560, 1440],
];
const wanted = process.argv.slice(2);
const out = join(root, "build/screens");
await mkdir(out, { recursive: true });
const server = await startServer(join(root, "build/web-scripted"));
const browser = await startBrowser();
try {
  for (const [name, reach] of scenes) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        colorScheme,
        reducedMotion: "reduce",
      });
      const { page, faults } = await openPage(context, server.url);
      await reach(page, server.url);
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        await page.waitForTimeout(250);
        await page.screenshot({ path: join(out, `${name}-${width}-${colorScheme}.png`) });
      }
      if (faults.length > 0) console.log(name, faults);
      await context.close();
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
