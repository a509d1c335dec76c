export * from "./session.js";
export * from "./transport.js";
