/* The language in use. */
import { en } from "./en";

export const t = en;

/* A number of a meeting or a time as people read it. */
export const groupNumber = (n: string): string => n.replace(/^(\d{3})(\d{3})(\d+)$/, "$1 $2 $3");

const clock = new Intl.DateTimeFormat(t.language, { hour: "2-digit", minute: "2-digit" });
const dateTime = new Intl.DateTimeFormat(t.language, { dateStyle: "full", timeStyle: "short" });

export const timeOf = (ms: number): string => clock.format(ms);
export const dateTimeOf = (ms: number): string => dateTime.format(ms);
