/* The pictures: all alike in a grid, or one large with the others beside it. Only those on the screen
 * are asked of the switch, in the height in which they are shown. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Person } from "../../../core/src/types";
import type { Want } from "../engine/engine";
import { pictureOf, screenTrack, want } from "../state/call";
import { type AppState, me } from "../state/model";
import { app, set } from "../state/store";
import { capacity, LIMIT_TILES, tile } from "../state/tiling";
import { t } from "../text";
import { CopyButton, IconButton } from "./controls";
import { Icon } from "./icons";
import { Tile } from "./tile";

const GAP = 10;
const STRIP_HEIGHT = 120;

function useSize(): [{ width: number; height: number }, (e: HTMLElement | null) => void] {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const observer = useRef<ResizeObserver | null>(null);
  const attach = (element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    observer.current = new ResizeObserver(([entry]) => {
      const box = entry?.contentRect;
      if (box && (box.width !== size.width || box.height !== size.height))
        setSize({ width: box.width, height: box.height });
    });
    observer.current.observe(element);
  };
  const stable = useRef(attach);
  return [size, stable.current];
}

/** Others in the order of their leaves, which does not change while they are here; then we. If not all
 * are on one page, those with pictures come first. */
const inOrder = (s: AppState): Person[] => {
  const own = me(s);
  const others = s.roster.filter((p) => !p.me);
  if (others.length >= LIMIT_TILES)
    others.sort((a, b) => Number(b.sends?.camera ?? false) - Number(a.sends?.camera ?? false));
  return [...others, ...(own ? [own] : [])];
};

const sharerOf = (s: AppState): Person | undefined =>
  s.roster.find((p) => !p.me && pictureOf(p, "screen") !== null) ??
  (screenTrack.value !== null ? me(s) : undefined);

/* Shared screens first: they are what people look at. Who has not said yet what is sent may share. */
function wantsOf(
  s: AppState,
  shown: readonly Person[],
  height: number,
  large: Want | null,
): Want[] {
  const others = s.roster.filter((p) => !p.me);
  const screens = [
    ...others.filter((p) => p.sends?.screen === true),
    ...others.filter((p) => p.sends === null),
  ]
    .slice(0, LIMIT_TILES)
    .map((p): Want => ({ leaf: p.leaf, source: "screen", height: 1080 }));
  const cameras = shown
    .filter((p) => !p.me && p.leaf !== large?.leaf)
    .map((p): Want => ({ leaf: p.leaf, source: "camera", height: Math.round(height) }));
  return [...screens, ...(large === null ? [] : [large]), ...cameras];
}

function Grid({ people }: { people: readonly Person[] }): JSX.Element {
  const [size, attach] = useSize();
  const s = app.value;
  const room = capacity(size.width, size.height, GAP);
  const pages = Math.max(1, Math.ceil(people.length / room));
  const page = Math.min(s.page, pages - 1);
  const shown = people.slice(page * room, (page + 1) * room);
  const tiling = tile(shown.length, size.width, size.height, GAP);
  const ratio = globalThis.devicePixelRatio || 1;
  useEffect(() => want(wantsOf(s, shown, tiling.height * ratio, null)));
  const style = { width: `${tiling.width}px`, height: `${tiling.height}px` };
  return (
    <div class="grid-stage">
      <ul class="tiles" ref={attach} aria-label={t.meeting.stage}>
        {size.width > 0 && shown.map((p) => <Tile key={p.leaf} person={p} style={style} />)}
      </ul>
      {pages > 1 && (
        <nav class="pages" aria-label={t.meeting.page(page + 1, pages)}>
          <IconButton
            icon="arrow-left"
            small
            label={t.meeting.previous}
            disabled={page === 0}
            onClick={() => set({ page: page - 1 })}
          />
          <span>{t.meeting.page(page + 1, pages)}</span>
          <IconButton
            icon="arrow-right"
            small
            label={t.meeting.next}
            disabled={page === pages - 1}
            onClick={() => set({ page: page + 1 })}
          />
        </nav>
      )}
    </div>
  );
}

/** Whom to show large: who was pinned, who speaks, else who was shown last, else anybody. */
function useLarge(people: readonly Person[]): Person | undefined {
  const s = app.value;
  const last = useRef<number>(-1);
  const others = people.filter((p) => !p.me);
  const by = (leaf: number | null | undefined) => others.find((p) => p.leaf === leaf);
  const large =
    people.find((p) => p.leaf === s.pinned) ??
    by(s.speakers.find((leaf) => by(leaf) !== undefined)) ??
    by(last.current) ??
    others[0] ??
    people[0];
  if (large !== undefined) last.current = large.leaf;
  return large;
}

function Speaker({
  people,
  sharer,
}: {
  people: readonly Person[];
  sharer?: Person | undefined;
}): JSX.Element {
  const s = app.value;
  const large = useLarge(people);
  const others = people.filter((p) => sharer !== undefined || p !== large).slice(0, LIMIT_TILES);
  const ratio = globalThis.devicePixelRatio || 1;
  useEffect(() => {
    const first: Want | null =
      sharer !== undefined || large === undefined || large.me
        ? null
        : { leaf: large.leaf, source: "camera", height: 720 };
    want(wantsOf(s, others, STRIP_HEIGHT * ratio, first));
  });
  return (
    <ul class="speaker-stage" aria-label={t.meeting.stage}>
      {sharer !== undefined ? (
        <Tile key="screen" person={sharer} source="screen" large />
      ) : (
        large && <Tile key="large" person={large} large />
      )}
      <li class="strip">
        <ul tabIndex={0} aria-label={t.meeting.people}>
          {others.map((p) => (
            <Tile key={p.leaf} person={p} />
          ))}
        </ul>
      </li>
    </ul>
  );
}

function Alone({ person }: { person: Person }): JSX.Element {
  const s = app.value;
  return (
    <div class="alone">
      <ul class="tiles" aria-label={t.meeting.stage}>
        <Tile person={person} />
      </ul>
      <div class="alone-note">
        <Icon name="people" size={28} />
        <h2>{t.meeting.alone}</h2>
        <p>{t.meeting.aloneHint}</p>
        {s.link !== null && <CopyButton text={s.link} label={t.meeting.copyLink} look="primary" />}
      </div>
    </div>
  );
}

export function Stage(): JSX.Element {
  const s = app.value;
  const people = inOrder(s);
  const own = me(s);
  const sharer = sharerOf(s);
  if (people.length === 1 && own !== undefined && sharer === undefined)
    return <Alone person={own} />;
  return s.layout === "speaker" || s.pinned !== null || sharer !== undefined ? (
    <Speaker people={people} sharer={sharer} />
  ) : (
    <Grid people={people} />
  );
}
