/* The program `conclave` in a test: accounts, meetings, and a participant who is told what to do. */
import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { root } from "./harness.mjs";

export const CONCLAVE = process.env.CONCLAVE ?? join(root, "build/bin/conclave");
const run = promisify(execFile);
const PATIENCE_MS = 30_000;
const HOST = "ada@conclave.test";
export const PASSWORD = "correct horse battery staple";

/** An account and a meeting of it; what `conclave meeting new` is told besides. */
export async function makeMeeting(server, ...options) {
  const password = join(server.folder, "password");
  const env = { ...process.env, CONCLAVE_SERVER: server.url };
  await writeFile(password, `${PASSWORD}\n`);
  await run(CONCLAVE, ["account", "sign-up", HOST, "--password-file", password], { env }).catch(
    (error) => {
      if (!/already|NAME_TAKEN/.test(error.stderr)) throw error;
    },
  );
  const { stdout } = await run(
    CONCLAVE,
    [
      "meeting",
      "new",
      "--title",
      "Tea",
      "--sign-in",
      HOST,
      "--password-file",
      password,
      ...options,
    ],
    { env },
  );
  return stdout.trim();
}

/** A native participant: events as they come, commands as lines of JSON. */
export class Native {
  events = [];
  #waiting = [];
  #asked = 0;

  constructor(child) {
    this.child = child;
    child.stderr.on("data", (data) => (this.errors = (this.errors ?? "") + data));
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.events.push(JSON.parse(line));
      for (const look of this.#waiting.splice(0)) look();
    });
  }

  static host(server, link, ...more) {
    const options = ["--sign-in", HOST, "--password-file", join(server.folder, "password")];
    return Native.join(link, "Ada", ...options, ...more);
  }
  static join(link, name, ...options) {
    return new Native(
      spawn(CONCLAVE, ["join", link, "--json", "--stay", "--name", name, ...options]),
    );
  }

  tell(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** A command and its answer. */
  async ask(what, members = {}) {
    const request = ++this.#asked;
    this.tell({ do: what, id: request, ...members });
    const answer = await this.wait((e) => e.answer === what && e.request === request, what);
    if (answer.error) throw new Error(`${what}: ${answer.error.text}`);
    return answer;
  }

  /** The first event from now on, or already there, that fits. */
  async wait(fits, what = String(fits)) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`conclave ended: ${this.errors}`);
      if (Date.now() > end)
        throw new Error(`${what}: never; but ${JSON.stringify(this.events.slice(-5))}`);
      await new Promise((done) => {
        const timer = setTimeout(done, end - Date.now() + 1);
        this.#waiting.push(() => {
          clearTimeout(timer);
          done();
        });
      });
    }
  }

  async stop() {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGKILL");
    await ended;
  }
}
