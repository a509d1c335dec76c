/* Trusted Types: the server's policy lets no text become a script. What starts workers asks here, and
 * is given nothing but scripts whose content was compared with what the build put out. */
import { isChecked } from "../../core/src/files";

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

export function onlyCheckedScripts(): void {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  policies?.createPolicy("default", {
    createScriptURL(url: string): string {
      if (!isChecked(url)) throw new TypeError(`${url} is no script of this app.`);
      return url;
    },
  });
}
