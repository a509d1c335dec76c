/* Every screen in a browser, with a scripted meeting, under the server's policy: nothing blocked, no
 * error, no request abroad, nothing serious for axe, nothing wider than the window. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  control,
  crowd,
  enter,
  longNames,
  phase,
  signIn,
  toDevices,
  without,
  withoutDevices,
} from "./acts.mjs";
import { missing, root, startBrowser, startServer, withPage } from "./harness.mjs";
import { scenes } from "./scenes.mjs";

const why = missing();
if (why !== null) console.log(`** SKIPPED: ${why}. Nothing was shown about browsers. **`);
const skip = why ?? false;

let server;
let browser;
let axe;
before(async () => {
  if (skip) return;
  server = await startServer(join(root, "build/web-scripted"));
  browser = await startBrowser();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const inPage = (options, work) =>
  withPage(browser, server.url, { reducedMotion: "reduce", ...options }, work);

/* The tool that drives the browser evaluates outside of the page's policy; the page never does. */
async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
}

/* A phone upright and lying, a tablet, a wall. */
const SIZES = [
  [360, 800],
  [740, 360],
  [820, 1180],
  [3840, 2160],
];

/** How far it goes beyond the window: a meeting in no direction, all else only downwards. */
const beyond = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
    const inMeeting = document.querySelector(".meeting") !== null;
    return Math.max(scrollWidth - clientWidth, inMeeting ? scrollHeight - clientHeight : 0);
  });

test("what looks for faults finds them", { skip }, () =>
  inPage({ viewport: { width: 1280, height: 800 } }, async (page) => {
    await page.goto(server.url);
    await page.getByRole("heading", { name: "Join a meeting" }).waitFor();
    await page.evaluate(() => {
      document.querySelector("h2").style.color = "#ddd";
      document.querySelector("input").removeAttribute("id");
      document.querySelector("main").style.width = "1400px";
    });
    const found = (await findings(page)).map((finding) => finding.split(":")[0]);
    assert.ok(found.includes("color-contrast"), found.join());
    assert.ok((await beyond(page)) > 0);
  }),
);

for (const [name, reach] of scenes)
  test(`${name}: accessible, within the window, without a fault`, { skip }, () =>
    inPage({ viewport: { width: 1280, height: 800 } }, async (page) => {
      await reach(page, server.url);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await findings(page), [], colorScheme);
      }
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        assert.ok((await beyond(page)) <= 0, `more than the window of ${width} x ${height}`);
      }
      await page.setViewportSize({ width: 360, height: 740 });
      assert.deepEqual(await findings(page), [], "narrow");
    }),
  );

test("a page that starts says nothing of one that does not", { skip }, () =>
  inPage({}, async (page) => {
    await page.goto(server.url);
    await page.getByRole("heading", { name: "Join a meeting" }).waitFor();
    assert.equal(await page.getByText("The page does not start").count(), 0);
  }),
);

test("a domain that has room is seen whole, however short the name is", { skip }, () =>
  inPage({ viewport: { width: 1280, height: 800 } }, async (page) => {
    await enter(page, server.url);
    await longNames(page);
    for (const place of [".tile", ".panel .person"]) {
      if (place !== ".tile") await control(page, "Participants").click();
      const label = page.locator(place, { hasText: "Bo" }).last().locator(".badge-label");
      assert.equal(await label.innerText(), "company.com");
      assert.ok(await label.evaluate((e) => e.scrollWidth <= e.clientWidth), place);
    }
  }),
);

test("however long names are, nobody who is unverified looks verified", { skip }, () =>
  inPage({}, async (page) => {
    await enter(page, server.url);
    await longNames(page);
    for (const width of [360, 700, 1280])
      for (const panel of [false, true]) {
        await page.setViewportSize({ width, height: 800 });
        const cut = await page.locator(".badge.unverified .badge-label").evaluateAll((labels) =>
          labels
            .filter((label) => label.clientWidth > 1)
            .filter((label) => {
              const whole = label.firstChild.getBoundingClientRect();
              const box = label.closest(".tile-label, .person-text").getBoundingClientRect();
              return label.scrollWidth > label.clientWidth || whole.right > box.right;
            })
            .map((label) => label.closest("li").innerText),
        );
        assert.deepEqual(cut, [], `${width} wide, ${panel ? "with" : "without"} the panel`);
        if (panel) await page.getByRole("button", { name: "Close", exact: true }).click();
        else await control(page, "Participants").click();
        await page.locator(".panel").waitFor({ state: panel ? "detached" : "visible" });
      }
  }),
);

test("of a domain that is too long the end is seen", { skip }, () =>
  inPage({ viewport: { width: 360, height: 740 } }, async (page) => {
    await enter(page, server.url);
    await longNames(page);
    await control(page, "Participants").click();
    const label = page.locator(".panel .badge-label").filter({ hasText: "holding.example.com" });
    const [end, edge] = await label.evaluate((e) => [
      e.firstChild.getBoundingClientRect().right,
      e.getBoundingClientRect().right,
    ]);
    assert.ok(await label.evaluate((e) => e.scrollWidth > e.clientWidth), "it is too long");
    assert.ok(end <= edge + 1, "its end is inside");
  }),
);

test("an open meeting is found by its number, however it is written", { skip }, () =>
  inPage({}, async (page) => {
    for (const number of ["4085551234", "408 555 1234", " 408-555-1234"]) {
      await page.goto(server.url);
      await page.getByLabel("Meeting link or number").fill(number);
      await page.getByRole("button", { name: "Join", exact: true }).click();
      await page.getByText("Meeting 408 555 1234").waitFor();
    }
  }),
);

test("the link of a meeting made here can be copied again", { skip }, () =>
  inPage({ permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await signIn(page, server.url);
    await page.getByRole("button", { name: /^Schedule/ }).click();
    await page.getByLabel("Title").fill("Tea");
    await page.getByRole("button", { name: "Make meeting" }).click();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Copy the link of “Tea”" }).click();
    await page.getByText("The link is copied.").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /\/m\/4085559876#1\./);
    await page.getByRole("button", { name: /^Copy the link of “Monthly/ }).click();
    await page.getByText("made on another device").waitFor();
  }),
);

test("of the last one in the roster, too, all actions are seen", { skip }, () =>
  inPage({ viewport: { width: 1280, height: 700 } }, async (page) => {
    await enter(page, server.url);
    await crowd(page, 12);
    await control(page, "Participants").click();
    const rows = page.locator(".panel .person");
    for (const row of [rows.last(), rows.nth(1)]) {
      await row.getByRole("button", { name: /^Actions/ }).click();
      const items = page.getByRole("menu").getByRole("menuitem");
      await items.first().waitFor();
      const hidden = await items.evaluateAll((all) => {
        const isSeen = (item) => {
          const { left, top, width, height } = item.getBoundingClientRect();
          const there = document.elementFromPoint(left + width / 2, top + height / 2);
          return there?.closest("button") === item;
        };
        return all.filter((item) => !isSeen(item)).map((item) => item.textContent);
      });
      assert.deepEqual(hidden, []);
      await page.keyboard.press("Escape");
    }
  }),
);

test("a menu is opened, walked and closed by keyboard, and gives the focus back", { skip }, () =>
  inPage({}, async (page) => {
    await enter(page, server.url);
    const opener = page.getByRole("button", { name: "Layout" });
    await opener.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".speaker-stage").or(page.locator(".alone")).waitFor();
    assert.equal(await opener.evaluate((e) => e === document.activeElement), true);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    assert.equal(await opener.evaluate((e) => e === document.activeElement), true);
    assert.equal(await page.getByRole("menu").count(), 0);
  }),
);

test("text of others is shown as text, whatever it looks like", { skip }, () =>
  inPage({}, async (page) => {
    await enter(page, server.url);
    const bad = '<img src=x onerror="globalThis.bad=1"><script>globalThis.bad=1</script>';
    await page.evaluate((text) => {
      const { meeting, person, guest } = globalThis.script;
      meeting.add(person(7, text.slice(0, 40), guest));
      meeting.emit({ type: "chat", leaf: 7, id: "1", text });
    }, bad);
    await page.locator(".control-bar").getByRole("button", { name: /^Chat/ }).click();
    assert.equal(await page.locator(".message-text").innerText(), bad);
    assert.equal(await page.evaluate(() => globalThis.bad), undefined);
  }),
);

test("who goes back in the browser has left and is filmed no longer", { skip }, () =>
  inPage({}, async (page) => {
    await page.goto(server.url);
    await enter(page, server.url, { host: false });
    await page.evaluate(() => {
      globalThis.old = globalThis.script.meeting;
      globalThis.track = document.querySelector("video").srcObject.getTracks()[0];
      history.pushState(null, "", "/");
      history.back();
    });
    await page.locator(".meeting").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => globalThis.old.phase), "over");
    await page.waitForFunction(() => globalThis.track.readyState === "ended");
  }),
);

test("an alarm stays until it was seen and leads to the code", { skip }, () =>
  inPage({}, async (page) => {
    await enter(page, server.url);
    await page.evaluate(() => {
      const { meeting, reason } = globalThis.script;
      const why = reason("NOT_ALLOWED", "A change was refused.", "Ask a host.");
      meeting.emit({ type: "notice", severity: "alarm", reason: why, leaf: null, text: "" });
    });
    await page.getByRole("alert").getByText("A change was refused.").waitFor();
    await page.getByRole("button", { name: "Show the security code" }).click();
    await page.locator(".code").waitFor();
    assert.match(await page.locator(".statement").innerText(), /needs your attention/);
  }),
);

test("where this device failed, a reload comes back", { skip }, () =>
  inPage({}, async (page) => {
    await enter(page, server.url, { host: false });
    await phase(page, "over", ["BROKEN", "The worker that encrypts does not answer.", ""]);
    await page.getByRole("heading", { name: "Something failed on this device" }).waitFor();
    await page.getByText("The worker that encrypts does not answer.").waitFor();
    await page.getByRole("button", { name: "Reload the page" }).click();
    await page.waitForFunction(() => globalThis.script?.meeting?.phase === "connecting");
    assert.equal(await page.evaluate(() => globalThis.script.meeting.myName), "Brandon Seeger");
  }),
);

test("no text becomes a script: Trusted Types refuse it", { skip }, async () => {
  const page = await browser.newPage();
  await page.goto(server.url);
  const refused = await page.evaluate(() => {
    const tried = [
      () => (document.createElement("script").text = "1"),
      () => document.body.insertAdjacentHTML("beforeend", "<b></b>"),
      () => new Worker("/api/v1/ca"),
    ];
    return tried.map((work) => {
      try {
        work();
        return "allowed";
      } catch (error) {
        return error.name;
      }
    });
  });
  await page.close();
  assert.deepEqual(refused, ["TypeError", "TypeError", "TypeError"]);
});

for (const [name, denied, cure] of [
  ["permission denied", "NotAllowedError", /Allow them with the icon/],
  ["no device", "NotFoundError", /join without a picture/],
  ["a device in use", "NotReadableError", /End that program/],
])
  test(`${name}: told with its cure, and one can join all the same`, { skip }, () =>
    inPage({}, async (page) => {
      await withoutDevices(page, denied);
      await toDevices(page, server.url);
      await page.getByText(cure).waitFor();
      assert.deepEqual(await findings(page), []);
      await enter(page, server.url, { host: false });
      await page.getByRole("button", { name: "Unmute" }).waitFor();
    }),
  );

test("a browser that keeps nothing is told so, when it matters", { skip }, () =>
  inPage({}, async (page) => {
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("", "SecurityError");
      };
    });
    await toDevices(page, server.url);
    await page.getByRole("button", { name: "Join now" }).click();
    await page.getByRole("alert").getByText("Leave private browsing").waitFor();
  }),
);

for (const [feature, text] of [
  ["WebAssembly", "WebAssembly"],
  ["indexedDB", "IndexedDB"],
])
  test(`a browser without ${feature} is told so`, { skip }, () =>
    inPage({}, async (page) => {
      await without(page, feature);
      await page.goto(server.url);
      await page.getByRole("alert").getByText(text).waitFor();
    }),
  );
