/* The one place where the app's state lives; screens read it as a signal. */
import { signal } from "@preact/signals";
import { type AppState, initial } from "./model";
import { type Action, reduce } from "./reduce";

export const app = signal<AppState>(initial);

export function dispatch(action: Action): void {
  app.value = reduce(app.value, action);
}

export function set(change: Partial<AppState>): void {
  dispatch({ type: "set", change });
}
