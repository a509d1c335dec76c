/* Messages to everybody: end-to-end encrypted, and shown as plain text whatever they are. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { say } from "../state/call";
import type { ChatLine } from "../state/model";
import { app } from "../state/store";
import { t, timeOf } from "../text";
import { IconButton } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Badge } from "../ui/identity";
import { PanelFrame } from "./panel";

const LIMIT_TEXT = 4000; // bytes: PARTICIPANT_CHAT_MAX

function Line(p: { line: ChatLine; follows: boolean }): JSX.Element {
  const { line } = p;
  const name = line.name || t.common.unnamed;
  return (
    <li class={`message ${line.mine ? "mine" : ""} ${p.follows ? "follows" : ""}`}>
      {!p.follows && (
        <p class="message-head">
          <span class="strong">{line.mine ? t.chat.mine : name}</span>
          {line.identity && <Badge identity={line.identity} />}
          <time dateTime={new Date(line.at).toISOString()}>{timeOf(line.at)}</time>
        </p>
      )}
      <p class="message-text">{line.text}</p>
      {line.mine && !line.sent && <p class="message-state">{t.chat.sending}</p>}
    </li>
  );
}

/** Whether a line needs no name of its own. A leaf may be another person's by now. */
const follows = (line: ChatLine, before: ChatLine | undefined): boolean =>
  before !== undefined &&
  before.leaf === line.leaf &&
  before.name === line.name &&
  before.identity?.identifier === line.identity?.identifier &&
  line.at - before.at < 120_000;

export function ChatPanel(): JSX.Element {
  const [text, setText] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const lines = app.value.chat;
  const tooLong = new TextEncoder().encode(text).length > LIMIT_TEXT;

  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [lines.length]);

  const send = async () => {
    const what = text.trim();
    if (what === "" || tooLong) return;
    setText("");
    if (!(await say(what))) setText(what);
  };

  return (
    <PanelFrame panel="chat" title={t.chat.title}>
      <ol
        class="messages"
        ref={list}
        tabIndex={lines.length > 0 ? 0 : undefined}
        aria-label={t.chat.title}
      >
        {lines.map((line, i) => (
          <Line key={`${line.leaf}/${line.id}`} line={line} follows={follows(line, lines[i - 1])} />
        ))}
      </ol>
      {lines.length === 0 && (
        <p class="empty">
          <Icon name="lock-check" size={28} />
          {t.chat.empty}
        </p>
      )}
      {tooLong && (
        <p class="note error composer-note" id="too-long" role="alert">
          {t.chat.tooLong}
        </p>
      )}
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <textarea
          aria-label={t.chat.field}
          placeholder={t.chat.field}
          rows={1}
          value={text}
          aria-invalid={tooLong}
          aria-describedby={tooLong ? "too-long" : undefined}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void send();
          }}
        />
        <IconButton icon="send" label={t.chat.send} look="primary" onClick={() => void send()} />
      </form>
    </PanelFrame>
  );
}
