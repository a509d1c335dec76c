/* Who somebody is: the badge, what lies behind it, and the certificate. A name is what somebody typed;
 * the badge is what this client verified. The two are never mixed. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Identity } from "../../../core/src/types";
import { attempt } from "../state/call";
import { t } from "../text";
import { Icon } from "./icons";
import { Dialog } from "./overlay";

export const isVerified = (i: Identity): boolean => i.category !== "unverified";

export const labelOf = (i: Identity): string => (isVerified(i) ? i.label : t.people.unverified);

/** For where nothing can be opened: tiles, messages. Where a domain is too long its beginning is left
 * out, since its end says whose it is. */
export function Badge({ identity, bare }: { identity: Identity; bare?: boolean }): JSX.Element {
  const verified = isVerified(identity);
  const { issuer, identifier } = identity;
  const more = verified ? `${t.people.verifiedBy(issuer)}: ${identifier}` : t.people.notVerified;
  return (
    <span class={verified ? "badge verified" : "badge unverified"} title={bare ? undefined : more}>
      <Icon name={verified ? "verified" : "unverified"} size={14} />
      <span class="badge-label">
        <bdi>{labelOf(identity)}</bdi>
      </span>
    </span>
  );
}

function Lines({ identity, sameName }: { identity: Identity; sameName: boolean }): JSX.Element {
  return (
    <>
      <p class="strong">
        {isVerified(identity) ? t.people.verifiedBy(identity.issuer) : t.people.notVerified}
      </p>
      {isVerified(identity) && <p class="identifier">{identity.identifier}</p>}
      {!isVerified(identity) && (
        <p>{identity.kind === "guest" ? t.people.guest : identity.reason.text}</p>
      )}
      {isVerified(identity) && (
        <p>{identity.category === "device" ? t.people.device : t.people.claim}</p>
      )}
      {sameName && <p class="warn">{t.people.sameName}</p>}
    </>
  );
}

interface Group {
  readonly title: string;
  readonly lines: { readonly name: string; readonly value: string }[];
}

/* As src/identity/describe.c writes it: the verdict, and "name: value" about it; then of each
 * certificate a line that ends in a colon, and its own lines indented below. */
function groupsOf(text: string): Group[] {
  const groups: Group[] = [];
  for (const line of text.split("\n").filter((l) => l !== "")) {
    const [, name, value] = /^ *(.*?): (.*)$/.exec(line) ?? [];
    const group = groups[groups.length - 1];
    if (group === undefined || name === undefined || value === undefined)
      groups.push({ title: line.replace(/:$/, ""), lines: [] });
    else group.lines.push({ name, value });
  }
  return groups;
}

function Description({ text }: { text: string }): JSX.Element {
  return (
    <div class="certificate" role="region" aria-label={t.people.certificateText} tabIndex={0}>
      {groupsOf(text).map(({ title, lines }, i) => (
        <section key={i}>
          <h3>{title}</h3>
          <dl>
            {lines.map(({ name, value }, k) => (
              <div key={k} class="certificate-line">
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

/** Beside a name that could be taken for somebody else's. */
export function SameNameMark(): JSX.Element {
  return (
    <span class="same-name" title={t.people.sameName}>
      <Icon name="warning" size={14} />
      <span>{t.people.sameNameMark}</span>
    </span>
  );
}

export function Certificate(p: {
  who: number | string;
  name: string;
  onClose: () => void;
}): JSX.Element {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    void attempt(async (m) => setText(await m.describe(p.who)));
  }, [p.who]);
  return (
    <Dialog title={t.people.certificateOf(p.name)} wide onClose={p.onClose}>
      {text === null ? <p>{t.common.loading}</p> : <Description text={text} />}
    </Dialog>
  );
}

const EDGE = 8; // px kept free at the window's edge
const HEIGHT_REM = 11; // of the card, at most

/** The badge that tells more when pointed at or focused. */
export function IdentityBadge(p: {
  identity: Identity;
  name: string;
  who: number | string; // a leaf, or a ref of the lobby
  sameName?: boolean;
}): JSX.Element {
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState(false);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  const root = useRef<HTMLSpanElement>(null);
  const id = useId();

  /* Below the badge, or above it where there is no room; within the window. */
  const show = () => {
    const box = root.current?.getBoundingClientRect();
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const [width, height] = [17.5 * rem + EDGE, HEIGHT_REM * rem];
    if (box !== undefined)
      setPlace({
        left: Math.max(EDGE, Math.min(box.left, innerWidth - width)),
        top: box.bottom + height < innerHeight ? box.bottom : Math.max(EDGE, box.top - height),
      });
    setOpen(true);
  };
  useEffect(() => {
    if (!open) return;
    addEventListener("resize", show);
    return () => removeEventListener("resize", show);
  }, [open]);
  /* The focus goes back there when the certificate is closed. */
  const showCertificate = () => {
    root.current?.querySelector("button")?.focus();
    setShown(true);
  };
  const hide = (event: FocusEvent | MouseEvent) => {
    const to = event.relatedTarget as Node | null;
    if (to === null || !root.current?.contains(to)) setOpen(false);
  };

  return (
    <span
      class="identity"
      ref={root}
      onMouseEnter={show}
      onMouseLeave={hide}
      onFocusCapture={show}
      onBlurCapture={hide}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        setOpen(false);
        event.stopPropagation();
      }}
    >
      <button
        type="button"
        class="badge-button"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={show}
      >
        <Badge identity={p.identity} bare />
      </button>
      {open && !shown && (
        <span
          class="identity-card"
          id={id}
          role="group"
          aria-label={t.people.identity}
          style={place}
        >
          <Lines identity={p.identity} sameName={p.sameName ?? false} />
          <button type="button" class="link" onClick={showCertificate}>
            {t.people.certificate}
          </button>
        </span>
      )}
      {shown && <Certificate who={p.who} name={p.name} onClose={() => setShown(false)} />}
    </span>
  );
}

/** Letters in a circle, in one of a few calm colours, by the name. */
export function Avatar({ name, size }: { name: string; size?: "large" | "small" }): JSX.Element {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ""]
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("");
  let sum = 0;
  for (const symbol of name) sum = (sum * 31 + (symbol.codePointAt(0) ?? 0)) % 8;
  return (
    <span class={`avatar tint-${sum} ${size ?? ""}`} aria-hidden="true">
      {letters.toUpperCase() || "?"}
    </span>
  );
}
