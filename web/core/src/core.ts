/* The core in a page: its worker, and what it makes. */
import { RestAccount } from "./account.js";
import { Client } from "./client.js";
import { fetchFile, locate, startWorker } from "./files.js";
import { MeetingInPage } from "./meeting.js";
import type { Endpoint } from "./protocol.js";
import { defaultStore } from "./store.js";
import type {
  Account,
  Bridge,
  Core,
  CoreOptions,
  LinkParts,
  Meeting,
  MeetingOptions,
  Reason,
} from "./types.js";

/** A core over an engine that runs wherever its client leads: loadCore() starts one in a worker. */
export class CoreInPage implements Core {
  private last = 0;

  private constructor(
    readonly bridge: Bridge,
    private readonly client: Client,
    private readonly module: WebAssembly.Module,
    private readonly options: CoreOptions,
    private readonly stop: () => void,
  ) {}

  static async over(
    client: Client,
    module: WebAssembly.Module,
    options: CoreOptions,
    stop: () => void,
  ): Promise<CoreInPage> {
    const bridge = (await client.request({
      op: "load",
      wasm: module,
      bridge: options.bridge ?? null,
      cryptoWorker: locate(options.workers?.crypto ?? ""),
    })) as Bridge;
    return new CoreInPage(bridge, client, module, options, stop);
  }

  async open(options: MeetingOptions): Promise<Meeting> {
    const link = await this.link(options.link);
    const store =
      options.store === undefined
        ? await defaultStore(options.link, options.credential.identifier)
        : options.store;
    const meeting = new MeetingInPage({
      client: this.client,
      number: ++this.last,
      bridge: this.bridge,
      link,
      options,
      store,
      framesWorker: () => this.startFrames(),
    });
    await meeting.start();
    return meeting;
  }

  private async startFrames(): Promise<Worker> {
    const worker = await startWorker(locate(this.options.workers?.frames ?? ""));
    const begun = new Promise<void>((resolve, reject) => {
      worker.onmessage = () => resolve();
      worker.onerror = (event) => reject(new Error(event.message));
    });
    worker.postMessage({ what: "begin", module: this.module });
    await begun;
    return worker;
  }

  account(origin: string): Account {
    return new RestAccount(new URL(origin).origin, this.client);
  }

  link(text: string): Promise<LinkParts> {
    return this.client.link(text);
  }

  reason(name: string): Promise<Reason> {
    return this.client.reason(name);
  }

  close(): void {
    this.stop();
    this.client.fail("The core was closed.");
  }
}

/** Starts the engine. Rejected if the browser lacks what is needed: the error says what. */
export async function loadCore(options: CoreOptions = {}): Promise<Core> {
  const here = (file: string) => new URL(file, import.meta.url).href;
  const workers = {
    core: options.workers?.core ?? here("./core-worker.js"),
    crypto: options.workers?.crypto ?? here("./crypto-worker.js"),
    frames: options.workers?.frames ?? here("./frames-worker.js"),
  };
  const wasm = locate(options.wasm ?? here("./conclave.wasm"));
  const compiled = WebAssembly.compileStreaming(fetchFile(wasm));
  compiled.catch(() => undefined); // told below, unless the worker fails first
  const worker = await startWorker(locate(workers.core));
  const client = new Client(worker as unknown as Endpoint);
  worker.onerror = (event) => client.fail(event.message || "The worker could not be started.");
  try {
    const all = { ...options, workers };
    const stop = () => worker.terminate();
    return await CoreInPage.over(client, await compiled, all, stop);
  } catch (error) {
    worker.terminate();
    throw error;
  }
}
