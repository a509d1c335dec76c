/* Every screen of the app, as a scripted meeting brings it about: [name, how to get there]. */
const LINK = `/m/4085551234#1.${"A".repeat(86)}`;

export async function toDevices(page, origin, name = "Barbara German") {
  await page.goto(origin + LINK);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByRole("button", { name: "Join now" }).waitFor();
}

async function signIn(page, origin, email) {
  await page.goto(origin);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("correct horse");
  await page.locator("form").getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

async function join(page) {
  await page.getByRole("button", { name: "Join now" }).click();
  await page.waitForFunction(() => globalThis.script.meeting !== null);
  await page.evaluate(() => {
    const { meeting, verified } = globalThis.script;
    meeting.facts = {
      title: "Intelligence, Security & Analytics",
      organiser: "barbara.german@company.com",
      organiserIdentity: verified("barbara.german@company.com"),
      open: false,
      inMeeting: false,
      locked: false,
      hostPresent: true,
      epoch: 0,
      startedAt: 0,
      members: 0,
      suite: 2,
      cardHash: "00",
    };
    meeting.emit({ type: "card" });
  });
}

/** In the meeting, alone, as its organiser or as a guest. */
export async function enter(page, origin, { host = true } = {}) {
  if (host) await signIn(page, origin, "barbara.german@company.com");
  await toDevices(page, origin, host ? "Barbara German" : "Brandon Seeger");
  await join(page);
  await page.evaluate((isHost) => {
    const { meeting, person } = globalThis.script;
    meeting.facts = { ...meeting.facts, inMeeting: true, epoch: 1, startedAt: Date.now() - 754000 };
    meeting.people = [
      person(0, meeting.myName, meeting.myIdentity, {
        me: true,
        role: isHost ? "organiser" : "attendee",
      }),
    ];
    meeting.setPhase("in-meeting");
    meeting.epoch();
  }, host);
  await page.locator(".meeting").waitFor();
}

async function crowd(page, n = 6) {
  await page.waitForFunction(() => globalThis.script.line !== null);
  await page.evaluate((count) => {
    const { meeting, line, person, verified, guest } = globalThis.script;
    const silent = { audio: false, camera: true, screen: false };
    const unseen = { audio: false, camera: false, screen: false };
    const others = [
      person(1, "Brandon Seeger", guest, { sends: silent }),
      person(2, "Brenda Song", verified("brenda.song@company.com"), { role: "cohost" }),
      person(3, "Giacomo Drago", verified("giacomo.drago@example.com", "Let's Encrypt")),
      person(4, "Maria Rossi", verified("maria.rossi@company.com"), { hand: true, sends: unseen }),
      person(5, "Simon Jones", verified("simon.jones@company.com"), { connected: false }),
    ];
    for (let i = 6; i < count; i++)
      others.push(person(i, `Person ${i}`, verified(`person${i}@company.com`)));
    others.slice(0, count - 1).forEach((p) => meeting.add(p));
    line.emit({ type: "state", state: "connected", cipher: "SRTP_AEAD_AES_256_GCM" });
    line.emit({ type: "speakers", leaves: [3] });
    for (const p of others) if (p.leaf % 5 !== 4 && p.connected) line.show(p.leaf, "camera");
  }, n);
}

const lobby = (page) =>
  page.evaluate(() => {
    const { meeting, verified, guest } = globalThis.script;
    const since = Date.now();
    const people = ["Flora Boone", "Angela Estrada", "Travis Jimenez"];
    for (const name of people) {
      const address = `${name.toLowerCase().replace(" ", ".")}@company.com`;
      meeting.knock({ ref: address, since, name, identity: verified(address) });
    }
    const cody = verified("cody.fisher@tmedemo.com", "Let's Encrypt");
    meeting.knock({ ref: "c", since, name: "Cody Fisher", identity: cody });
    meeting.knock({ ref: "g", since, name: "Annette Black", identity: guest });
  });

const control = (page, name) => page.locator(".control-bar").getByRole("button", { name }).first();

const phase = (page, name, why) =>
  page.evaluate(
    ([to, because]) => globalThis.script.meeting.setPhase(to, globalThis.script.reason(...because)),
    [name, why ?? ["NONE", "", ""]],
  );

async function full(page, origin, how) {
  await enter(page, origin, how);
  await crowd(page);
}

async function openInfo(page, tab) {
  await page.getByRole("button", { name: "End-to-end encrypted" }).click();
  await page.getByRole("tab", { name: tab }).click();
}

export const scenes = [
  ["home", (p, o) => p.goto(o)],
  ["home-signed-in", (p, o) => signIn(p, o, "barbara.german@company.com")],
  [
    "schedule",
    async (p, o) => {
      await signIn(p, o, "barbara.german@company.com");
      await p.getByRole("button", { name: /^Schedule/ }).click();
    },
  ],
  [
    "invitation",
    async (p, o) => {
      await signIn(p, o, "barbara.german@company.com");
      await p.getByRole("button", { name: /^Schedule/ }).click();
      await p.getByLabel("Title").fill("Monthly product briefing");
      await p.getByRole("button", { name: "Make meeting" }).click();
      await p.getByRole("heading", { name: "The meeting is made" }).waitFor();
    },
  ],
  ["entrance", (p, o) => p.goto(o + LINK)],
  ["devices", (p, o) => toDevices(p, o)],
  [
    "lobby-waiting",
    async (p, o) => {
      await toDevices(p, o, "Brandon Seeger");
      await join(p);
      await phase(p, "in-lobby");
      await p.getByRole("heading", { name: "Waiting for a host" }).waitFor();
    },
  ],
  ["alone", (p, o) => enter(p, o)],
  ["grid", (p, o) => full(p, o)],
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
      await p.evaluate(() => globalThis.script.line.show(2, "screen"));
    },
  ],
  [
    "crowd",
    async (p, o) => {
      await enter(p, o);
      await crowd(p, 31);
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
    "identity",
    async (p, o) => {
      await full(p, o);
      await control(p, "Participants").click();
      await p.locator(".panel .badge-button").filter({ hasText: "example.com" }).focus();
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
      });
      await control(p, /^Chat/).click();
      await p.getByLabel("Message to everybody").fill("So do I.");
      await p.getByRole("button", { name: "Send" }).click();
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
    "alarm",
    async (p, o) => {
      await full(p, o);
      await p.evaluate(() => {
        const { meeting, reason } = globalThis.script;
        const because = reason(
          "NOT_ALLOWED",
          "Somebody tried a change that is not theirs to make.",
          "Ask a host of the meeting.",
        );
        meeting.emit({ type: "notice", severity: "alarm", reason: because, leaf: null, text: "" });
      });
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
    "more-menu",
    async (p, o) => {
      await full(p, o);
      await control(p, "More").click();
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
    "ejected",
    async (p, o) => {
      await full(p, o, { host: false });
      const why = ["EJECTED", "A host removed you from the meeting.", "Ask a host of the meeting."];
      await phase(p, "over", why);
    },
  ],
];
