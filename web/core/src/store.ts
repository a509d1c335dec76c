/* State in IndexedDB: the snapshot and deltas of a meeting, sealed by the module under a key that is
 * wrapped by one that WebCrypto does not give out. What is there helps nobody who takes only the
 * files, unless the browser keeps its keys beside them; what it protects from is said in the README.
 */
import { ConclaveError, type Credential, type SavedState, type StateStore } from "./types.js";
import { hex } from "./wire.js";

const DATABASE = "conclave";
const VERSION = 1;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(trouble(request.error));
  });
}

function trouble(error: unknown): ConclaveError {
  return new ConclaveError("ESTORE", `Nothing can be kept in this browser: ${String(error)}`);
}

let database: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("state"); // [meeting, what]
      request.result.createObjectStore("credential");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      database = null;
      reject(trouble(request.error));
    };
  });
  return database;
}

/** Runs `work` in one transaction; fulfilled once it is committed. */
async function transaction<T>(
  name: string,
  mode: IDBTransactionMode,
  durably: boolean,
  work: (store: IDBObjectStore) => Promise<T> | T,
): Promise<T> {
  const db = await open();
  const t = db.transaction(name, mode, { durability: durably ? "strict" : "relaxed" });
  const over = new Promise<void>((resolve, reject) => {
    t.oncomplete = () => resolve();
    t.onabort = t.onerror = () => reject(trouble(t.error));
  });
  const result = await work(t.objectStore(name));
  await over;
  return result;
}

/* ---- State ---- */

interface Wrapped {
  readonly by: CryptoKey; // not extractable
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly key: ArrayBuffer;
}

async function newKey(): Promise<{ key: Uint8Array; wrapped: Wrapped }> {
  const by = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, by, key);
  return { key, wrapped: { by, iv, key: sealed } };
}

async function unwrap(w: Wrapped): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: w.iv }, w.by, w.key));
}

/* A page that is loaded again may come before the browser has let go of it. */
const LOCK_PATIENCE = 3000;

/** Holds the lock until the result is called, or the page is gone. Rejected if another has it. */
function lock(name: string): Promise<() => void> {
  const signal = AbortSignal.timeout(LOCK_PATIENCE);
  return new Promise((resolve, reject) => {
    const hold = () => new Promise<void>((release) => resolve(release));
    navigator.locks.request(`conclave ${name}`, { signal }, hold).catch(() => {
      const reason = {
        name: "ANOTHER_TAB",
        text: "You are in this meeting in another tab or window.",
        next: "Go on there, or close it first.",
      };
      reject(new ConclaveError(reason.name, reason.text, reason));
    });
  });
}

/** Of one meeting and one identity. `name`: any text that tells them from others. */
export class IndexedStore implements StateStore {
  private deltas = 0;
  private release: (() => void) | null = null;
  constructor(private readonly name: string) {}

  private put(store: IDBObjectStore, what: string | number, value: unknown): void {
    store.put(value, [this.name, what]);
  }
  private all(): IDBKeyRange {
    return IDBKeyRange.bound([this.name, -Infinity], [this.name, "\uffff"]);
  }
  private deltasOnly(): IDBKeyRange {
    return IDBKeyRange.bound([this.name, -Infinity], [this.name, Infinity]);
  }

  async load(): Promise<SavedState> {
    this.release ??= await lock(this.name);
    const found = await transaction("state", "readonly", false, async (store) => ({
      wrapped: (await done(store.get([this.name, "key"]))) as Wrapped | undefined,
      snapshot: (await done(store.get([this.name, "snapshot"]))) as Uint8Array | undefined,
      note: (await done(store.get([this.name, "note"]))) as SavedState["note"] | undefined,
      deltas: (await done(store.getAll(this.deltasOnly()))) as Uint8Array[],
    }));
    this.deltas = found.deltas.length;
    if (found.wrapped !== undefined) {
      const key = await unwrap(found.wrapped);
      const { snapshot, deltas, note } = found;
      return { key, snapshot: snapshot ?? null, deltas, note: note ?? null };
    }
    const { key, wrapped } = await newKey();
    await transaction("state", "readwrite", true, (store) => {
      store.delete(this.all());
      this.put(store, "key", wrapped);
    });
    this.deltas = 0;
    return { key, snapshot: null, deltas: [], note: null };
  }

  async snapshot(data: Uint8Array): Promise<void> {
    await transaction("state", "readwrite", true, (store) => {
      store.delete(this.deltasOnly());
      this.put(store, "snapshot", data);
    });
    this.deltas = 0;
  }

  async append(delta: Uint8Array, durably: boolean): Promise<void> {
    const at = this.deltas++;
    await transaction("state", "readwrite", durably, (store) => this.put(store, at, delta));
  }

  async note(note: { epoch: number; run: number }): Promise<void> {
    await transaction("state", "readwrite", true, (store) => this.put(store, "note", note));
  }

  async forget(): Promise<void> {
    await transaction("state", "readwrite", true, (store) => {
      store.delete(this.all());
    });
    this.deltas = 0;
  }

  close(): void {
    this.release?.();
    this.release = null;
  }
}

/** The store of a link for an identity: the link's secret does not become part of its name. */
export async function defaultStore(link: string, identifier: string): Promise<IndexedStore> {
  const text = new TextEncoder().encode(`${identifier}\n${link.trim()}`);
  return new IndexedStore(hex(new Uint8Array(await crypto.subtle.digest("SHA-256", text))));
}

/* ---- Credentials ---- */

/** Keeps a credential with its key, which IndexedDB holds without giving it out. */
export async function keepCredential(name: string, credential: Credential): Promise<void> {
  await transaction("credential", "readwrite", true, (store) => {
    store.put(credential, name);
  });
}

export async function keptCredential(name: string): Promise<Credential | null> {
  const found = await transaction("credential", "readonly", false, (store) => done(store.get(name)));
  return (found as Credential | undefined) ?? null;
}

export async function forgetCredential(name: string): Promise<void> {
  await transaction("credential", "readwrite", true, (store) => {
    store.delete(name);
  });
}
