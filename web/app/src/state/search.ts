import type { Person } from "../../../core/src/types";

/* Without accents and case: who looks for "jose" means José. */
const plain = (text: string): string =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();

/** Whether every word is in the name, the label or the verified identifier. */
export function matches(person: Person, query: string): boolean {
  const { label, identifier } = person.identity;
  const text = plain(`${person.name} ${label} ${identifier}`);
  return plain(query)
    .split(/\s+/)
    .every((word) => text.includes(word));
}
