/* What outlives a reload: who is signed in, keys with their certificates, links of meetings made here.
 * Keys cannot be taken out of the browser's store; links hold a secret and stay on this device. */
import { ConclaveError, type Credential, type Session } from "../../../core/src/types";
import { t } from "../text";

const DATABASE = "conclave-app";
const STORES = ["sessions", "credentials", "links", "settings"] as const;
type Store = (typeof STORES)[number];

function wait<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store);
  };
  return wait(request);
}

async function run<T>(
  store: Store,
  mode: IDBTransactionMode,
  work: (s: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  try {
    const database = await open();
    try {
      return await wait(work(database.transaction(store, mode).objectStore(store)));
    } finally {
      database.close();
    }
  } catch {
    throw new ConclaveError("ESTORE", t.problem.storage);
  }
}

/** One kind of thing, by its name. What cannot be read is as if it were not there. */
class Shelf<T> {
  constructor(private readonly store: Store) {}
  async get(key: string): Promise<T | null> {
    const found = await run(this.store, "readonly", (s) => s.get(key)).catch(() => null);
    return (found as T | null | undefined) ?? null;
  }
  async put(key: string, value: T): Promise<void> {
    await run(this.store, "readwrite", (s) => s.put(value, key));
  }
  async remove(key: string): Promise<void> {
    await run(this.store, "readwrite", (s) => s.delete(key));
  }
}

/** A meeting that this tab is in, for when its page is loaded anew: the place is kept by the core. */
export interface Resume {
  readonly link: string;
  readonly name: string;
  readonly guest: boolean;
}

const RESUME = "conclave.call";

export const resume = {
  get(link: string): Resume | null {
    const kept = JSON.parse(sessionStorage.getItem(RESUME) ?? "null") as Resume | null;
    return kept?.link === link ? kept : null;
  },
  put: (value: Resume): void => sessionStorage.setItem(RESUME, JSON.stringify(value)),
  forget: (): void => sessionStorage.removeItem(RESUME),
};

export interface Settings {
  readonly name?: string;
  readonly camera?: string;
  readonly microphone?: string;
  readonly speaker?: string;
}

export const keep = {
  sessions: new Shelf<Session>("sessions"), // "user", or the number of a meeting for its guest
  credentials: new Shelf<Credential>("credentials"), // by identifier
  links: new Shelf<string>("links"), // by number
  settings: new Shelf<Settings>("settings"),
};
