/* Trusted Types: the server's policy lets no text become a script. What starts workers asks here, and
 * is given nothing but this app's own files. */
declare const CORE_FILES: Readonly<Record<string, string>>;

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

/** The files of the core, by name: as the build put them out. */
export const coreFiles: Readonly<Record<string, string>> = CORE_FILES;

export function onlyOwnScripts(): void {
  const own = new Set(Object.values(coreFiles).map((path) => new URL(path, location.origin).href));
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  policies?.createPolicy("default", {
    createScriptURL(url: string): string {
      const { href } = new URL(url, location.origin);
      if (!own.has(href)) throw new TypeError(`${href} is no script of this app.`);
      return href;
    },
  });
}
