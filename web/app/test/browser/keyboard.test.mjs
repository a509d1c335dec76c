/* The app without a mouse and without a picture: from the link to the end by keyboard alone, the focus
 * where one looks for it, and what moves at rest for those who asked for that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { control, enter, full, LINK, lobby, phase, reason } from "./acts.mjs";
import { missing, root, startBrowser, startServer, withPage } from "./harness.mjs";

const why = missing();
if (why !== null) console.log(`** SKIPPED: ${why}. Nothing was shown about keyboards. **`);
const skip = why ?? false;

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer(join(root, "build/web-scripted"));
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const inPage = (work, options = { reducedMotion: "reduce" }) =>
  withPage(browser, server.url, { viewport: { width: 1280, height: 800 }, ...options }, work);

/** What has the focus, by the name that is read out; "" if nothing has. */
const focused = (page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    if (e === null || e === document.body) return "";
    const label = e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent;
    const words = e.querySelector(".hidden")?.textContent ?? e.textContent;
    return (label ?? (e.tagName === "MAIN" ? "main" : words)).trim();
  });

const isFocused = async (page, name) => {
  for (let i = 0; i < 50 && (await focused(page)) !== name; i++) await page.waitForTimeout(20);
  assert.equal(await focused(page), name);
};

/** Goes on with Tab until `name` has the focus; all that had it on the way can be seen. */
async function tabTo(page, name) {
  const way = [];
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    way.push(await focused(page));
    const seen = await page.evaluate(() => {
      const e = document.activeElement;
      const { width, height } = e.getBoundingClientRect();
      return e === document.body || (width > 0 && height > 0);
    });
    assert.ok(seen, `${way.at(-1)} has the focus and cannot be seen`);
    if (way.at(-1) === name) return way;
  }
  assert.fail(`Tab does not lead to ${name}: ${way.join(", ")}`);
}

test("from the link through the meeting to its end, by keyboard alone", { skip }, () =>
  inPage(async (page) => {
    await page.goto(server.url + LINK);
    await isFocused(page, "Your name");
    await page.keyboard.type("Brandon Seeger");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Join now" }).waitFor();
    await isFocused(page, "main");
    await tabTo(page, "Join now");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => globalThis.script.meeting !== null);
    await page.evaluate(() => {
      const { meeting, person } = globalThis.script;
      meeting.people = [person(0, meeting.myName, meeting.myIdentity, { me: true })];
      meeting.facts = { title: "Tea", inMeeting: true, epoch: 1, startedAt: Date.now() };
      meeting.setPhase("in-meeting");
      meeting.epoch();
    });
    await page.locator(".meeting").waitFor();

    const order = await tabTo(page, "Leave");
    const controls = ["Mute", "Stop video", "Share screen", "Raise hand", "React"];
    controls.push("Participants", "Chat", "Meeting information", "More", "Leave");
    assert.deepEqual(order.slice(-controls.length), controls);
    assert.equal(order[0], "End-to-end encrypted");

    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+Tab");
    await isFocused(page, "Chat");
    await page.keyboard.press("Enter");
    await tabTo(page, "Message to everybody");
    await page.keyboard.type("Is there tea?");
    await page.keyboard.press("Enter");
    await page.locator(".message-text", { hasText: "Is there tea?" }).waitFor();
    await page.keyboard.press("Escape");
    await isFocused(page, "Chat");

    await tabTo(page, "Leave");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "You left the meeting" }).waitFor();
    await isFocused(page, "main");
    await tabTo(page, "Join again");
    await page.keyboard.press("Enter");
    await isFocused(page, "Your name");
  }),
);

for (const [opener, panel] of [
  ["Participants", "people"],
  ["Chat", "chat"],
  ["Meeting information", "info"],
])
  test(`the ${panel} panel has the focus when it opens, and gives it back`, { skip }, () =>
    inPage(async (page) => {
      await enter(page, server.url);
      for (const close of [
        () => page.keyboard.press("Escape"),
        () => page.getByRole("button", { name: "Close", exact: true }).press("Enter"),
      ]) {
        await control(page, opener).press("Enter");
        await page.locator(".panel").waitFor();
        assert.ok(
          await page.locator(".panel").evaluate((e) => e.contains(document.activeElement)),
          "the focus is inside",
        );
        await close();
        await isFocused(page, opener);
      }
    }),
  );

test("a menu and a question give the focus back, whatever the answer", { skip }, () =>
  inPage(async (page) => {
    await full(page, server.url);
    await control(page, "React").press("Enter");
    await isFocused(page, "React with 👍");
    await page.keyboard.press("ArrowRight");
    await isFocused(page, "React with 👏");
    await page.keyboard.press("Enter");
    await isFocused(page, "React");

    for (const answer of ["Escape", "Cancel"]) {
      await control(page, "Leave").press("Enter");
      await page.keyboard.press("ArrowDown");
      await isFocused(page, "End for everybody");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "End the meeting for everybody?" }).waitFor();
      if (answer === "Escape") await page.keyboard.press("Escape");
      else await page.getByRole("button", { name: answer }).press("Enter");
      await isFocused(page, "Leave");
    }

    await control(page, "More").press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Camera and microphone" }).waitFor();
    await page.getByRole("button", { name: "Done" }).press("Enter");
    await isFocused(page, "More");
  }),
);

test("who is let in or removed takes no focus along", { skip }, () =>
  inPage(async (page) => {
    await full(page, server.url);
    await lobby(page);
    await page.getByRole("button", { name: "View" }).press("Enter");
    await page.getByRole("button", { name: "Admit Flora Boone" }).press("Enter");
    await page.getByRole("button", { name: "Actions for Flora Boone" }).waitFor();
    await isFocused(page, "Participants (7)");

    const actions = page.getByRole("button", { name: "Actions for Brandon Seeger" });
    await actions.press("Enter");
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await isFocused(page, "Actions for Brandon Seeger");
    await actions.press("Enter");
    await page.keyboard.press("End");
    await isFocused(page, "Remove from meeting");
    await page.keyboard.press("Enter");
    await page
      .getByRole("dialog")
      .getByRole("button", { name: "Remove from meeting" })
      .press("Enter");
    await actions.waitFor({ state: "detached" });
    await isFocused(page, "Participants (6)");
    await page.keyboard.press("Escape");
    await isFocused(page, "Participants");
  }),
);

test("an identity and its certificate are read and left by keyboard", { skip }, () =>
  inPage(async (page) => {
    await full(page, server.url);
    await control(page, "Participants").press("Enter");
    await page.locator(".panel .badge-button", { hasText: "example.com" }).focus();
    await page.locator(".identity-card", { hasText: "Identity verified by" }).waitFor();
    await tabTo(page, "Show certificate");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText("giacomo.drago@example.com").waitFor();
    await page.keyboard.press("Escape");
    await isFocused(page, "example.com");
    await page.locator(".identity-card").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".identity-card").waitFor({ state: "detached" });
    assert.equal(await page.locator(".panel").count(), 1, "the panel is still open");
  }),
);

test("what happens is said to who does not see it", { skip }, () =>
  inPage(async (page) => {
    await full(page, server.url);
    await page.evaluate(() => {
      const { meeting, person, guest } = globalThis.script;
      meeting.add(person(9, "Cody Fisher", guest));
      meeting.emit({ type: "chat", leaf: 9, id: "1", text: "Hello!" });
      meeting.remove(9, null);
    });
    await phase(page, "reconnecting", reason("UNREACHABLE"));
    const said = page.getByRole("log");
    for (const line of [
      "Cody Fisher joined",
      "Cody Fisher says: Hello!",
      "Cody Fisher left",
      "Connection lost",
    ])
      await said.getByText(line, { exact: true }).waitFor({ state: "attached" });
  }),
);

for (const reducedMotion of ["reduce", "no-preference"])
  test(
    `with the wish "${reducedMotion}" ${reducedMotion === "reduce" ? "nothing" : "something"} moves`,
    { skip },
    () =>
      inPage(
        async (page) => {
          await full(page, server.url);
          await phase(page, "reconnecting");
          await page.locator(".spinner").waitFor();
          const moving = await page.evaluate(
            () =>
              document
                .getAnimations()
                .filter((a) => a.playState === "running" && a.effect.getTiming().duration > 1)
                .length,
          );
          assert.equal(moving > 0, reducedMotion === "no-preference");
        },
        { reducedMotion },
      ),
  );
