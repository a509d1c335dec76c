/* A server that lies to a page: the other end of tests/attack/attack_web.h, which see. The page and its
 * files are the true ones; its socket, and what it asks of the REST interface, end here.
 * ATTACK_WEB names the program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./harness.mjs";

export const ATTACK_WEB = process.env.ATTACK_WEB ?? join(root, "build/debug/bin/tests/attack_web");
const PATIENCE_MS = 30_000;
const HOUR_S = 3600;
const GUEST = "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c9";

const STEPS = new Set(["link", "root", "told", "code"]);

const hex = (data) => Buffer.from(data).toString("hex");
const unhex = (text) => Buffer.from(text, "hex");
const seconds = () => Math.floor(Date.now() / 1000);

export class Liar {
  #heard = []; // lines of a step or a code, not yet asked for
  #wake = [];
  #socket = null;
  #certified = [];
  said = []; // all that the page has said to the server

  /** Plays this scene; comes when the page may. */
  static async start(scene) {
    const liar = new Liar();
    liar.child = spawn(ATTACK_WEB, [scene], { stdio: ["pipe", "pipe", "pipe"] });
    liar.errors = "";
    liar.child.stderr.on("data", (data) => (liar.errors += data));
    liar.child.stdin.on("error", () => undefined); // it has ended: told by the next wait
    liar.ended = once(liar.child, "exit");
    liar.ended.then(() => liar.#stir());
    createInterface({ input: liar.child.stdout }).on("line", (line) => liar.#hear(line));
    liar.link = await liar.#next("link");
    liar.root = unhex(await liar.#next("root"));
    return liar;
  }

  #stir() {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #hear(line) {
    const [word, ...rest] = line.split(" ");
    const text = rest.join(" ").trim();
    if (word === "frame") this.#socket?.send(unhex(text));
    else if (word === "gone") this.#socket?.close();
    else if (word === "certificate") this.#certified.shift()?.(unhex(text));
    else if (STEPS.has(word)) this.#heard.push({ word, text });
    else this.errors += `${line}\n`; // an assertion that failed
    this.#stir();
  }

  async #next(word) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const at = this.#heard.findIndex((one) => one.word === word);
      if (at >= 0) return this.#heard.splice(at, 1)[0].text;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`attack_web ended before "${word}": ${this.errors}`);
      if (Date.now() > end) throw new Error(`attack_web never said "${word}"`);
      await new Promise((done) => {
        const timer = setTimeout(done, end - Date.now() + 1);
        this.#wake.push(() => {
          clearTimeout(timer);
          done();
        });
      });
    }
  }

  #say(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** On to the next step, and until it was done. */
  async go(step) {
    this.#say("go");
    const told = await this.#next("told");
    if (told !== step) throw new Error(`attack_web did "${told}" and not "${step}"`);
  }

  /** The security code that somebody else sees, as the scene tells it. */
  code() {
    return this.#next("code");
  }

  /** The scene's own assertions hold to its end. */
  async end() {
    this.#say("go");
    const late = setTimeout(() => this.child.kill("SIGKILL"), PATIENCE_MS);
    const [code] = await this.ended;
    clearTimeout(late);
    if (code !== 0) throw new Error(`attack_web ended with ${code}: ${this.errors}`);
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.ended;
  }

  /* ---- What stands in the page's way ---- */

  async attach(page, identifier) {
    await page.routeWebSocket(/\/ws$/, (socket) => {
      this.#socket = socket;
      this.#say("open");
      socket.onMessage((data) => {
        this.said.push(Buffer.from(data));
        this.#say(`say ${hex(data)}`);
      });
      socket.onClose(() => {
        if (this.#socket === socket) this.#say("close");
      });
    });
    await page.route("**/api/v1/**", async (route) => {
      const request = route.request();
      const path = new URL(request.url()).pathname.slice("/api/v1".length);
      this.said.push(request.postDataBuffer() ?? Buffer.alloc(0));
      const json = await this.#answer(request.method(), path, request.postDataJSON(), identifier);
      await route.fulfill(json === null ? { status: 404, json: {} } : { json });
    });
  }

  async #answer(method, path, body, identifier) {
    const session = (who) => ({ token: "t", identifier: who, expires: seconds() + HOUR_S });
    switch (`${method} ${path}`) {
      case "GET /sign-in":
        return { methods: ["password"], sign_up: false };
      case "POST /sign-in":
        return session(body.email);
      case "POST /guest":
        return session(GUEST);
      case "POST /certificate":
        return this.#certify(identifier ?? GUEST, Buffer.from(body.csr, "base64"));
      default:
        return null;
    }
  }

  async #certify(identifier, csr) {
    const made = new Promise((done) => this.#certified.push(done));
    this.#say(`certify ${identifier === GUEST ? "guest" : "user"} ${identifier} ${hex(csr)}`);
    const chain = [(await made).toString("base64")];
    return { chain, root: this.root.toString("base64"), not_after: seconds() + 24 * HOUR_S };
  }
}
