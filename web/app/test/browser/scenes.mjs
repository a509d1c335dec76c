/* Every screen of the app, as a scripted meeting brings it about: [name, how to get there]. */
import {
  control,
  crowd,
  device,
  enter,
  full,
  join,
  LINK,
  lobby,
  longNames,
  notice,
  openActions,
  openInfo,
  over,
  phase,
  reason,
  signIn,
  toDevices,
  turnedAway,
  without,
  withoutDevices,
} from "./acts.mjs";

const beforeTheMeeting = [
  ["home", (p, o) => p.goto(o)],
  [
    "home-wrong",
    async (p, o) => {
      await p.goto(o);
      await p.getByLabel("Meeting link").fill("https://example.com/");
      await p.getByRole("button", { name: "Join", exact: true }).click();
      await p.getByLabel("E-mail address").fill("barbara.german@company.com");
      await p.getByLabel("Password").fill("wrong");
      await p.locator("form").getByRole("button", { name: "Sign in", exact: true }).click();
      await p.getByText("The name or the password is wrong.").waitFor();
    },
  ],
  [
    "sign-up",
    async (p, o) => {
      await p.goto(o);
      await p.getByRole("button", { name: "No account yet?" }).click();
    },
  ],
  ["home-signed-in", (p, o) => signIn(p, o)],
  [
    "home-nothing-yet",
    async (p, o) => {
      await p.goto(o);
      await p.evaluate(() => (globalThis.script.meetings = []));
      await p.getByLabel("E-mail address").fill("barbara.german@company.com");
      await p.getByLabel("Password").fill("correct horse");
      await p.locator("form").getByRole("button", { name: "Sign in", exact: true }).click();
      await p.getByText("No meetings yet").waitFor();
    },
  ],
  [
    "schedule",
    async (p, o) => {
      await signIn(p, o);
      await p.getByRole("button", { name: /^Schedule/ }).click();
    },
  ],
  [
    "invitation",
    async (p, o) => {
      await signIn(p, o);
      await p.getByRole("button", { name: /^Schedule/ }).click();
      await p.getByLabel("Title").fill("Monthly product briefing");
      await p.getByRole("button", { name: "Make meeting" }).click();
      await p.getByRole("heading", { name: "The meeting is made" }).waitFor();
    },
  ],
  [
    "delete-meeting",
    async (p, o) => {
      await signIn(p, o);
      await p.getByRole("button", { name: "Delete: Monthly product briefing" }).click();
    },
  ],
  ["entrance", (p, o) => p.goto(o + LINK)],
  [
    "entrance-sign-in",
    async (p, o) => {
      await p.goto(o + LINK);
      await p.getByRole("button", { name: "Sign in" }).click();
    },
  ],
  [
    "entrance-signed-in",
    async (p, o) => {
      await signIn(p, o);
      await p.goto(o + LINK);
      await p.getByText("Continue as barbara.german@company.com").waitFor();
    },
  ],
  ["devices", (p, o) => toDevices(p, o)],
  [
    "devices-off",
    async (p, o) => {
      await toDevices(p, o);
      await p.getByRole("button", { name: "Stop video" }).click();
      await p.getByRole("button", { name: "Mute" }).click();
    },
  ],
  [
    "devices-denied",
    async (p, o) => {
      await withoutDevices(p, "NotAllowedError");
      await toDevices(p, o);
    },
  ],
  [
    "devices-none",
    async (p, o) => {
      await withoutDevices(p, "NotFoundError");
      await toDevices(p, o);
    },
  ],
  [
    "devices-no-media",
    async (p, o) => {
      await without(p, "RTCRtpScriptTransform");
      await toDevices(p, o);
    },
  ],
  [
    "devices-failed",
    async (p, o) => {
      await toDevices(p, o);
      const why = reason("KEY_PACKAGE");
      await p.evaluate((because) => (globalThis.script.refusal = because), why);
      await p.getByRole("button", { name: "Join now" }).click();
      await p.getByText(why[1]).waitFor();
    },
  ],
  ["unsupported", (p, o) => without(p, "WebAssembly").then(() => p.goto(o + LINK))],
];

const atTheDoor = [
  [
    "connecting",
    async (p, o) => {
      await toDevices(p, o, "Brandon Seeger");
      await p.getByRole("button", { name: "Join now" }).click();
      await p.getByRole("heading", { name: "Connecting" }).waitFor();
    },
  ],
  ...[
    ["lobby-waiting", "in-lobby", "Waiting for a host"],
    ["not-started", "not-started", "The meeting has not started"],
    ["being-let-in", "joining", "You are being let in"],
  ].map(([name, to, heading]) => [
    name,
    async (p, o) => {
      await toDevices(p, o, "Brandon Seeger");
      await join(p);
      await phase(p, to);
      await p.getByRole("heading", { name: heading }).waitFor();
    },
  ]),
];

const inTheMeeting = [
  ["alone", (p, o) => enter(p, o)],
  [
    "two",
    async (p, o) => {
      await enter(p, o);
      await crowd(p, 2);
    },
  ],
  ["grid", (p, o) => full(p, o)],
  [
    "sixteen",
    async (p, o) => {
      await enter(p, o);
      await crowd(p, 16);
    },
  ],
  [
    "forty",
    async (p, o) => {
      await enter(p, o);
      await crowd(p, 40);
    },
  ],
  [
    "long-names",
    async (p, o) => {
      await enter(p, o);
      await longNames(p);
    },
  ],
  [
    "speaker",
    async (p, o) => {
      await full(p, o);
      await p.getByRole("button", { name: "Layout" }).click();
      await p.getByRole("menuitemradio", { name: "Speaker" }).click();
    },
  ],
  [
    "screen",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() => {
        const { line, meeting } = globalThis.script;
        meeting.change(2, { sends: { audio: true, camera: true, screen: true } });
        line.show(2, "screen");
      });
      await p.locator(".tile.large video.fit").waitFor();
    },
  ],
  [
    "reactions",
    async (p, o) => {
      await full(p, o);
      await control(p, "React").click();
      await p.evaluate(() => {
        const { meeting } = globalThis.script;
        for (const [leaf, emoji] of [
          [1, "👏"],
          [2, "🎉"],
          [2, "👍"],
          [4, "❤️"],
        ])
          meeting.emit({ type: "reaction", leaf, emoji });
      });
    },
  ],
  [
    "muted-by-host",
    async (p, o) => {
      await full(p, o, { host: false });
      await p.evaluate(() => globalThis.script.meeting.emit({ type: "mute", by: 2 }));
    },
  ],
  [
    "reconnecting",
    async (p, o) => {
      await full(p, o);
      await phase(p, "reconnecting");
    },
  ],
  [
    "media-lost",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() =>
        globalThis.script.line.emit({ type: "state", state: "lost", cipher: null }),
      );
    },
  ],
  [
    "media-blocked",
    async (p, o) => {
      await p.clock.install();
      await full(p, o);
      await p.evaluate(() =>
        globalThis.script.line.emit({ type: "state", state: "connecting", cipher: null }),
      );
      await p.clock.fastForward(11_000);
      await p.getByText("Sound and pictures do not come through").waitFor();
    },
  ],
  [
    "media-refused",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() =>
        globalThis.script.line.emit({ type: "state", state: "refused", cipher: null }),
      );
    },
  ],
  [
    "alarm",
    async (p, o) => {
      await full(p, o);
      await notice(p, "alarm", reason("NOT_ALLOWED"));
    },
  ],
  [
    "warning",
    async (p, o) => {
      await full(p, o);
      await notice(p, "warning", reason("OTHERS_SILENT"));
    },
  ],
  [
    "more-menu",
    async (p, o) => {
      await full(p, o);
      await control(p, "More").click();
    },
  ],
  [
    "leave-menu",
    async (p, o) => {
      await full(p, o);
      await control(p, "Leave").click();
    },
  ],
  [
    "end-question",
    async (p, o) => {
      await full(p, o);
      await control(p, "Leave").click();
      await p.getByRole("menuitem", { name: "End for everybody" }).click();
    },
  ],
  [
    "settings",
    async (p, o) => {
      await full(p, o);
      await control(p, "More").click();
      await p.getByRole("menuitem", { name: "Camera and microphone" }).click();
    },
  ],
];

const panels = [
  [
    "people",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() => globalThis.script.meeting.lock(true));
      await control(p, "Participants").click();
    },
  ],
  [
    "people-and-lobby",
    async (p, o) => {
      await full(p, o);
      await lobby(p);
      await p.getByRole("button", { name: "View" }).click();
    },
  ],
  [
    "lobby-banner",
    async (p, o) => {
      await full(p, o);
      await lobby(p);
    },
  ],
  [
    "people-long-names",
    async (p, o) => {
      await enter(p, o);
      await longNames(p);
      await control(p, "Participants").click();
    },
  ],
  [
    "people-none-found",
    async (p, o) => {
      await full(p, o);
      await control(p, "Participants").click();
      await p.getByLabel("Search participants").fill("Zebulon");
    },
  ],
  [
    "person-menu",
    async (p, o) => {
      await full(p, o);
      await openActions(p, "Giacomo Drago");
    },
  ],
  [
    "eject-question",
    async (p, o) => {
      await full(p, o);
      await openActions(p, "Brandon Seeger");
      await p.getByRole("menuitem", { name: "Remove from meeting" }).click();
    },
  ],
  [
    "identity",
    async (p, o) => {
      await full(p, o);
      await control(p, "Participants").click();
      await p.locator(".panel .badge-button").filter({ hasText: "example.com" }).focus();
    },
  ],
  [
    "identity-guest",
    async (p, o) => {
      await full(p, o);
      await control(p, "Participants").click();
      await p.locator(".panel .badge-button").filter({ hasText: "Unverified" }).focus();
    },
  ],
  [
    "identity-device",
    async (p, o) => {
      await full(p, o);
      await device(p);
      await control(p, "Participants").click();
      await p.locator(".panel .badge-button").filter({ hasText: "boardroom" }).focus();
    },
  ],
  [
    "certificate",
    async (p, o) => {
      await full(p, o);
      await control(p, "Participants").click();
      await p.locator(".panel .badge-button").filter({ hasText: "example.com" }).focus();
      await p.getByRole("button", { name: "Show certificate" }).click();
      await p.getByText("SHA-256").first().waitFor();
    },
  ],
  [
    "chat",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() => {
        const { meeting } = globalThis.script;
        const say = (leaf, id, text) => meeting.emit({ type: "chat", leaf, id, text });
        say(3, "1", "Good morning! Can everybody see the second chart?");
        say(3, "2", "It is the one with the <b>blue</b> bar.");
        say(1, "3", "Yes, thank you.");
        say(4, "4", `https://example.com/${"minutes-of-the-last-meeting/".repeat(5)}`);
      });
      await control(p, /^Chat/).click();
      await p.getByLabel("Message to everybody").fill("So do I.");
      await p.getByRole("button", { name: "Send" }).click();
    },
  ],
  [
    "chat-empty",
    async (p, o) => {
      await full(p, o);
      await control(p, /^Chat/).click();
    },
  ],
  [
    "chat-unread",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() => {
        const text = "Can you hear me?";
        globalThis.script.meeting.emit({ type: "chat", leaf: 1, id: "1", text });
      });
    },
  ],
  [
    "chat-too-long",
    async (p, o) => {
      await full(p, o);
      await control(p, /^Chat/).click();
      await p.getByLabel("Message to everybody").fill("No end to it. ".repeat(300));
    },
  ],
  [
    "info-general",
    async (p, o) => {
      await full(p, o);
      await openInfo(p, "General");
    },
  ],
  [
    "info-security",
    async (p, o) => {
      await full(p, o);
      await openInfo(p, "Security");
      await p.getByRole("button", { name: "Read it aloud" }).click();
    },
  ],
  [
    "info-alarmed",
    async (p, o) => {
      await full(p, o);
      await notice(p, "alarm", reason("COMMIT_FOREIGN"));
      await p.getByRole("button", { name: "Show the security code" }).click();
    },
  ],
];

const afterTheMeeting = [
  ...["LEFT", "ENDED", "EJECTED", "REMOVED_DISCONNECTED", "REPLACED", "UNCONFIRMED_END"].map(
    (name) => [`over-${name.toLowerCase().replace(/_/g, "-")}`, (p, o) => over(p, o, name)],
  ),
  [
    "over-broken",
    async (p, o) => {
      await full(p, o);
      await phase(p, "over", ["BROKEN", "The worker that encrypts does not answer.", ""]);
    },
  ],
  ...[
    "FULL",
    "LOCKED",
    "CLOCK",
    "CERTIFICATE_EXPIRED",
    "CARD_MISMATCH",
    "NO_SUCH_MEETING",
    "REFUSED_BY_HOST",
    "REFUSED_BY_POLICY",
    "TOO_EARLY",
  ].map((name) => [
    `over-${name.toLowerCase().replace(/_/g, "-")}`,
    (p, o) => turnedAway(p, o, name),
  ]),
];

export const scenes = [
  ...beforeTheMeeting,
  ...atTheDoor,
  ...inTheMeeting,
  ...panels,
  ...afterTheMeeting,
];
