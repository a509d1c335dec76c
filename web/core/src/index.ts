export * from "./types.js";
export * from "./media-message.js";
