// Chromium with the package as it is built, in front of a native server: one origin for both, and
// the headers that shared memory needs.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const DIST = here("../../dist");
const BIN = process.env.CONCLAVE_BIN ?? here("../../../../build/bin");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

export const chromiumIsThere = existsSync(CHROMIUM);

async function until(what, holds) {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), "conclave-browser-"));
  const data = join(folder, "data");
  const address = join(data, "run", "address");
  const options = ["--data", data, "--port", "0"];
  const child = spawn(join(BIN, "conclaved"), options, { stdio: "ignore" });
  await until("the server starts", () => existsSync(address) && readFileSync(address).length > 0);
  const url = new URL(readFileSync(address, "utf8").trim());
  const stop = async () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}

/* Headers as if the page were the server's own. */
const headersFor = (headers, url) => ({ ...headers, host: url.host, origin: url.origin });

function giveFile(path, response) {
  const name = normalize(path === "/" || path.startsWith("/m/") ? "/index.html" : path);
  const file = name === "/index.html" ? here("index.html") : join(DIST, name);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, {
    "content-type": TYPES[extname(file)] ?? "text/plain",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cache-control": "no-store",
  });
  response.end(readFileSync(file));
}

/** The page's files; /api and /ws are the server's. */
export async function startProxy(url) {
  const proxy = createServer((incoming, response) => {
    if (!incoming.url.startsWith("/api/")) return giveFile(incoming.url, response);
    const { method, headers } = incoming;
    const target = { host: url.hostname, port: url.port, path: incoming.url, method };
    const outgoing = request({ ...target, headers: headersFor(headers, url) }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  proxy.on("upgrade", (incoming, socket) => {
    const upstream = connect(Number(url.port), url.hostname, () => {
      const headers = Object.entries(headersFor(incoming.headers, url));
      const lines = headers.map(([name, value]) => `${name}: ${value}`);
      upstream.write([`GET ${incoming.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, "localhost", resolve));
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { origin: `http://localhost:${proxy.address().port}`, stop };
}

export function startBrowser() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
}
