/* Invitations: a text to send, and an iCalendar file (RFC 5545). */
import { t, dateTimeOf } from "../text";

export interface Invitation {
  readonly title: string;
  readonly link: string;
  readonly start: number | null; // null: now, or at any time
  readonly minutes: number;
}

export const invitationText = (i: Invitation): string =>
  t.invitation.text(i.title, i.start === null ? null : dateTimeOf(i.start), i.link);

/* RFC 5545 3.3.11 */
const escape = (text: string): string =>
  text.replace(/[\\;,]/g, (c) => `\\${c}`).replace(/\r?\n/g, "\\n");

/* RFC 5545 3.3.5, form 2: UTC */
const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;

/* RFC 5545 3.1: lines of at most 75 octets; what is longer goes on after a line break and a space. */
function fold(line: string): string {
  const encoder = new TextEncoder();
  const parts: string[] = [];
  let part = "";
  for (const symbol of line) {
    if (encoder.encode(part + symbol).length > 74) {
      parts.push(part);
      part = "";
    }
    part += symbol;
  }
  return [...parts, part].join("\r\n ");
}

/** A calendar of one event. The number is unique on the server, so the event is, too. */
export function calendarFile(i: Invitation & { start: number }, now: number): string {
  const link = new URL(i.link);
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Conclave//Meeting//EN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    `UID:${link.pathname.split("/").pop()}@${link.host}`,
    `DTSTAMP:${stamp(now)}`,
    `DTSTART:${stamp(i.start)}`,
    `DTEND:${stamp(i.start + i.minutes * 60_000)}`,
    `SUMMARY:${escape(i.title)}`,
    `DESCRIPTION:${escape(invitationText(i))}`,
    `URL:${i.link}`,
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return `${lines.map(fold).join("\r\n")}\r\n`;
}
