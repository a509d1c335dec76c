export * from "./types.js";
export * from "./media-message.js";
export { loadCore } from "./core.js";
export { isChecked } from "./files.js";
export { forgetCredential, IndexedStore, keepCredential, keptCredential } from "./store.js";
