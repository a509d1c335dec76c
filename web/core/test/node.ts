/* A core for Node: the engine in this thread, its crypto worker in another, no IndexedDB. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { MessageChannel as NodeChannel, Worker as NodeWorker } from "node:worker_threads";

import WebSocket from "ws";

import { Client } from "../src/client.js";
import { CoreInPage } from "../src/core.js";
import { serveEngine } from "../src/engine.js";
import type { Endpoint } from "../src/protocol.js";
import { type Patience, PATIENCE as USUAL } from "../src/shared.js";
import type {
  Bridge,
  Core,
  Credential,
  Meeting,
  MeetingEvent,
  SavedState,
  StateStore,
} from "../src/types.js";

const ROOT = new URL("../../../../", import.meta.url).pathname;
const WASM = process.env["CONCLAVE_WASM"] ?? join(ROOT, "build/wasm/conclave.wasm");
export const BIN = process.env["CONCLAVE_BIN"] ?? join(ROOT, "build/bin");
const PATIENCE = 30_000;

export function wasmModule(): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(WASM));
}

/** node:worker_threads has `on` where browsers have `onmessage`, and gives the data itself. */
function endpointOf(port: NodeJS.EventEmitter & { postMessage(m: unknown, t?: never): void }) {
  const endpoint: Endpoint = {
    postMessage: (message, transfer) => port.postMessage(message, transfer as never),
    onmessage: null,
  };
  port.on("message", (data: unknown) => endpoint.onmessage?.({ data } as MessageEvent));
  return endpoint;
}

/** An engine, and the page's end of it. `workers` are those that encrypt. */
export async function engineInNode(bridge: Bridge, patience: Patience = USUAL) {
  const { port1, port2 } = new NodeChannel();
  const workers: NodeWorker[] = [];
  const stopEngine = serveEngine(endpointOf(port1), {
    startCryptoWorker: async () => {
      const worker = new NodeWorker(new URL("./node-crypto-worker.js", import.meta.url));
      workers.push(worker);
      return endpointOf(worker);
    },
    patience,
  });
  const client = new Client(endpointOf(port2));
  const stop = () => {
    stopEngine();
    port1.close();
    port2.close();
    for (const worker of workers) void worker.terminate();
  };
  const core: Core = await CoreInPage.over(client, wasmModule(), { bridge }, stop);
  return { client, core, stop, workers };
}

export async function coreInNode(bridge: Bridge): Promise<Core> {
  return (await engineInNode(bridge)).core;
}

export function connectInNode(url: string) {
  return new WebSocket(url, "conclave.1");
}

/** State in memory, that a reload finds again. */
export class MemoryStore implements StateStore {
  constructor(
    private state: SavedState = {
      key: crypto.getRandomValues(new Uint8Array(32)),
      snapshot: null,
      deltas: [],
      note: null,
    },
  ) {}
  async load() {
    return this.state;
  }
  async snapshot(snapshot: Uint8Array) {
    this.state = { ...this.state, snapshot, deltas: [] };
  }
  async append(delta: Uint8Array) {
    this.state = { ...this.state, deltas: [...this.state.deltas, delta] };
  }
  async note(note: { epoch: number; run: number }) {
    this.state = { ...this.state, note };
  }
  async forget() {
    this.state = { ...this.state, snapshot: null, deltas: [], note: null };
  }
  get kept(): boolean {
    return this.state.snapshot !== null;
  }
  /** As it is now, for who puts it back later. */
  copy(): SavedState {
    return structuredClone(this.state);
  }
}

/* ---- Waiting for what should be so ---- */

export async function until(what: string, holds: () => unknown): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A meeting with all that it has told. */
export class Heard {
  readonly events: MeetingEvent[] = [];
  constructor(readonly meeting: Meeting) {
    meeting.on((event) => this.events.push(event));
  }
  all<T extends MeetingEvent["type"]>(type: T): Extract<MeetingEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as never;
  }
  in(n: number): Promise<void> {
    return until(
      `in the meeting with ${n}`,
      () => this.meeting.phase === "in-meeting" && this.meeting.roster().length === n,
    );
  }
}

/* ---- The native programs ---- */

export class Server {
  private readonly folder = mkdtempSync(join(tmpdir(), "conclave-web-"));
  private process!: ChildProcess;
  url = "";

  async start(): Promise<this> {
    const data = join(this.folder, "data");
    const address = join(data, "run", "address");
    rmSync(address, { force: true });
    this.process = spawn(join(BIN, "conclaved"), ["--data", data, "--port", "0"], {
      stdio: "ignore",
    });
    await until("the server starts", () => existsSync(address) && readFileSync(address).length > 0);
    this.url = readFileSync(address, "utf8").trim();
    return this;
  }
  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill();
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}

/** `conclave join --json` */
export class Native {
  readonly events: Record<string, unknown>[] = [];
  private readonly process: ChildProcess;
  constructor(link: string, ...options: string[]) {
    this.process = spawn(join(BIN, "conclave"), ["join", link, "--json", ...options], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: this.process.stdout! });
    lines.on("line", (line) => this.events.push(JSON.parse(line) as Record<string, unknown>));
  }
  send(command: Record<string, unknown>): void {
    this.process.stdin!.write(`${JSON.stringify(command)}\n`);
  }
  last(event: string): Record<string, unknown> | undefined {
    return this.events.filter((e) => e["event"] === event).at(-1);
  }
  /** The answer to a command. */
  async ask(command: string): Promise<Record<string, unknown>> {
    const before = this.events.length;
    this.send({ do: command });
    const answer = () => this.events.slice(before).find((e) => e["answer"] === command);
    await until(`an answer to ${command}`, answer);
    return answer()!;
  }
  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode !== null) return;
    this.process.kill();
    await gone;
  }
}

/* ---- People ---- */

export const PASSWORD = "a password of good length";

export async function user(core: Core, server: Server, email: string) {
  const account = core.account(server.url);
  const session = await account.signUp(email, PASSWORD);
  return { account, session, credential: await account.certify(session) };
}

export async function guest(core: Core, server: Server): Promise<Credential> {
  const account = core.account(server.url);
  return account.certify(await account.guest());
}
