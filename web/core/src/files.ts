/* The files that are loaded by address. A browser checks the integrity of a page's scripts, but not of
 * a worker's: so that one is fetched, which checks it, and started from memory. */
import type { CoreFile } from "./types.js";

/** A CoreFile in the form in which it goes to another worker. */
export interface Located {
  readonly url: string;
  readonly integrity: string | null;
}

export function locate(file: CoreFile): Located {
  if (typeof file === "string" || file instanceof URL)
    return { url: String(file), integrity: null };
  return { url: String(file.url), integrity: file.integrity };
}

/** Rejected if it cannot be had or is not what it should be. */
export async function fetchFile({ url, integrity }: Located): Promise<Response> {
  const response = await fetch(url, integrity === null ? {} : { integrity });
  if (!response.ok) throw new Error(`${url}: the server answers ${response.status}.`);
  return response;
}

const checked = new Set<string>();

/** For a policy of Trusted Types: whether a script's address leads to one that was checked here. */
export const isChecked = (url: string): boolean => checked.has(url);

export async function startWorker(file: Located): Promise<Worker> {
  if (file.integrity === null) return new Worker(file.url, { type: "module" });
  const script = await (await fetchFile(file)).arrayBuffer();
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  checked.add(url);
  return new Worker(url, { type: "module" });
}
