/* A browser's way to the server, which can be pulled out: TCP and UDP, both through here. A browser
 * comes to it because it is told so: it opens the server at the cable's address, and the media
 * switch's port is replaced in the switch's answers on their way. */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

const HOST = "127.0.0.1";

const portOf = (socket, ...where) =>
  new Promise((done) => {
    socket.once("listening", () => done(socket.address().port));
    if (socket.bind) socket.bind(...where);
    else socket.listen(...where);
  });

/* A candidate of docs/PROTOCOL.md section 9: opaque address<V>; uint16 port. What a server says by
 * WebSocket is not masked (RFC 6455 5.1), and on loopback not encrypted. */
const CANDIDATE = Buffer.from([4, 127, 0, 0, 1]);

export class Cable {
  #front = createServer((socket) => this.#accept(socket));
  #media = createSocket("udp4");
  #backs = new Map(); // by the browser's port
  #sockets = new Set();
  #cut = null; // "loudly" or "silently"
  #switchPort = 0;

  static async to(url) {
    const cable = new Cable();
    cable.server = Number(new URL(url).port);
    cable.mediaPort = await portOf(cable.#media, 0, HOST);
    cable.#media.on("message", (datagram, { port }) => cable.#out(datagram, port));
    const port = await portOf(cable.#front, 0, HOST);
    cable.url = Object.assign(new URL(url), { port }).origin;
    return cable;
  }

  /* ---- TCP ---- */

  #accept(browser) {
    const server = connect(this.server, HOST);
    for (const [from, to] of [
      [browser, server],
      [server, browser],
    ]) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    browser.on("data", (data) => server.write(data));
    server.on("data", (data) => browser.write(this.#redirect(data)));
    for (const socket of [browser, server]) this.#hold(socket);
  }

  #redirect(data) {
    for (let at = data.indexOf(CANDIDATE); at >= 0; at = data.indexOf(CANDIDATE, at + 1)) {
      const port = at + CANDIDATE.length;
      if (port + 2 > data.length) break;
      this.#switchPort = data.readUInt16BE(port);
      data.writeUInt16BE(this.mediaPort, port);
    }
    return data;
  }

  /* ---- UDP ---- */

  #passes() {
    return this.#cut === null;
  }

  #out(datagram, port) {
    let back = this.#backs.get(port);
    if (back === undefined) {
      back = createSocket("udp4");
      back.on("message", (answer) => this.#passes() && this.#media.send(answer, port, HOST));
      this.#backs.set(port, back);
    }
    if (this.#passes()) back.send(datagram, this.#switchPort, HOST);
  }

  /* ---- What a test does ---- */

  #hold(socket) {
    if (this.#cut === "loudly") socket.destroy();
    if (this.#cut === "silently") socket.pause();
  }

  /** Nothing passes any more. Both ends are told, as by a machine that knows it has no network; or
   * not, as where a radio is out of reach: then what is sent by TCP waits. */
  pull(how = "loudly") {
    this.#cut = how;
    for (const socket of this.#sockets) this.#hold(socket);
  }
  plug() {
    this.#cut = null;
    for (const socket of this.#sockets) socket.resume();
  }

  close() {
    this.pull();
    this.#front.close();
    this.#media.close();
    for (const back of this.#backs.values()) back.close();
  }
}
