import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Panel } from "../state/model";
import { attempt, leave, screenTrack, startShare, stopShare } from "../state/call";
import * as devices from "../state/devices";
import { canMedia, mayHost, me } from "../state/model";
import { app, dispatch } from "../state/store";
import { t } from "../text";
import { DeviceChoice, DeviceProblems } from "../ui/device_choice";
import { Button } from "../ui/controls";
import { Icon, type IconName } from "../ui/icons";
import { Dialog, Menu, type MenuItem, Question } from "../ui/overlay";

const EMOJI = ["👍", "👏", "❤️", "😂", "😮", "🎉"];

interface ControlProps {
  icon: IconName;
  text: string;
  off?: boolean;
  on?: boolean;
  pressed?: boolean;
  panel?: Panel; // which it opens
  count?: number;
  caption?: string; // in place of a long text
  extra?: boolean; // on narrow screens it is in the menu
  onClick: () => void;
}

function Control(p: ControlProps): JSX.Element {
  const look = `control ${p.off ? "off" : ""} ${p.on ? "on" : ""} ${p.extra ? "extra" : ""}`;
  return (
    <button
      type="button"
      class={look}
      aria-pressed={p.pressed}
      aria-expanded={p.panel && app.value.panel === p.panel}
      data-panel={p.panel}
      title={p.text}
      onClick={p.onClick}
    >
      <Icon name={p.icon} size={22} />
      <span class="hidden">{p.count ? `${p.text}: ${t.meeting.unread(p.count)}` : p.text}</span>
      <span class="caption" aria-hidden="true">
        {p.caption ?? p.text}
      </span>
      {!!p.count && (
        <span class="count" aria-hidden="true">
          {p.count > 99 ? "99+" : p.count}
        </span>
      )}
    </button>
  );
}

const openPanel = (panel: Panel): void => {
  dispatch({ type: "panel", panel: app.value.panel === panel ? null : panel });
};

function EmojiRow({ onDone }: { onDone: () => void }): JSX.Element {
  return (
    <>
      {EMOJI.map((emoji) => (
        <button
          key={emoji}
          type="button"
          role="menuitem"
          tabIndex={-1}
          aria-label={t.meeting.reactWith(emoji)}
          onClick={() => {
            onDone();
            void attempt((m) => m.react(emoji));
          }}
        >
          {emoji}
        </button>
      ))}
    </>
  );
}

function Reactions(): JSX.Element {
  return (
    <Menu
      label={t.meeting.react}
      caption={t.meeting.react}
      icon="smile"
      look="extra"
      up
      head={(close) => (
        <div class="emoji-row">
          <EmojiRow onDone={close} />
        </div>
      )}
      items={[]}
    />
  );
}

function Sources(): JSX.Element {
  if (!canMedia(app.value)) return <div class="control-group" />;
  const microphone = devices.microphoneOn.value;
  const camera = devices.cameraOn.value;
  const switchMicrophone = () => {
    void devices.toggle("microphone");
    dispatch({ type: "caption", text: microphone ? t.captions.muted : t.captions.unmuted });
  };
  return (
    <div class="control-group">
      <Control
        icon={microphone ? "mic" : "mic-off"}
        text={microphone ? t.meeting.mute : t.meeting.unmute}
        off={!microphone}
        onClick={switchMicrophone}
      />
      <Control
        icon={camera ? "camera" : "camera-off"}
        text={camera ? t.meeting.stopVideo : t.meeting.startVideo}
        off={!camera}
        onClick={() => void devices.toggle("camera")}
      />
    </div>
  );
}

const switchShare = (): void => {
  if (screenTrack.value !== null) stopShare();
  else void startShare();
};

const switchHand = (): void => {
  const raised = me(app.value)?.hand ?? false;
  void attempt((m) => m.raiseHand(!raised));
};

function Talking(): JSX.Element {
  const sharing = screenTrack.value !== null;
  const raised = me(app.value)?.hand ?? false;
  return (
    <>
      {canMedia(app.value) && (
        <Control
          icon={sharing ? "share-off" : "share"}
          text={sharing ? t.meeting.stopShare : t.meeting.share}
          on={sharing}
          extra
          onClick={switchShare}
        />
      )}
      <Control
        icon="hand"
        text={raised ? t.meeting.lowerHand : t.meeting.hand}
        on={raised}
        extra
        onClick={switchHand}
      />
      <Reactions />
    </>
  );
}

function Panels(): JSX.Element {
  const s = app.value;
  return (
    <>
      <Control
        icon="people"
        text={t.meeting.people}
        on={s.panel === "people"}
        panel="people"
        onClick={() => openPanel("people")}
      />
      <Control
        icon="chat"
        text={t.meeting.chat}
        on={s.panel === "chat"}
        panel="chat"
        count={s.unread}
        onClick={() => openPanel("chat")}
      />
      <Control
        icon="info"
        text={t.meeting.info}
        caption={t.meeting.infoShort}
        on={s.panel === "info"}
        panel="info"
        extra
        onClick={() => openPanel("info")}
      />
    </>
  );
}

/* What is seldom needed, and what has no button of its own on a narrow screen. */
function moreItems(openSettings: () => void): MenuItem[] {
  const sharing = screenTrack.value !== null;
  const raised = me(app.value)?.hand ?? false;
  const share: MenuItem = {
    text: sharing ? t.meeting.stopShare : t.meeting.share,
    icon: "share",
    narrow: true,
    onSelect: switchShare,
  };
  const settings: MenuItem = {
    text: t.meeting.settings,
    icon: "settings",
    onSelect: openSettings,
  };
  const items: MenuItem[] = [
    {
      text: raised ? t.meeting.lowerHand : t.meeting.hand,
      icon: "hand",
      narrow: true,
      onSelect: switchHand,
    },
    { text: t.meeting.info, icon: "info", narrow: true, onSelect: () => openPanel("info") },
  ];
  if (canMedia(app.value)) {
    items.unshift(share);
    items.push(settings);
  }
  if (mayHost(app.value)) {
    const locked = app.value.info?.locked ?? false;
    items.push({
      text: locked ? t.people.unlock : t.people.lock,
      icon: locked ? "unlock" : "lock",
      onSelect: () => void attempt((m) => m.lock(!locked)),
    });
  }
  return items;
}

function LeaveMenu({ onEnd }: { onEnd: () => void }): JSX.Element {
  if (!mayHost(app.value))
    return <Control icon="leave" text={t.meeting.leave} onClick={() => void leave()} />;
  return (
    <Menu
      label={t.meeting.leave}
      caption={t.meeting.leave}
      icon="leave"
      up
      items={[
        { text: t.meeting.leaveMeeting, icon: "leave", onSelect: () => void leave() },
        { text: t.meeting.endForAll, icon: "close", danger: true, onSelect: onEnd },
      ]}
    />
  );
}

export function ControlBar(): JSX.Element {
  const [settings, setSettings] = useState(false);
  const [ending, setEnding] = useState(false);
  return (
    <footer class="control-bar" role="toolbar" aria-label={t.meeting.controls}>
      <Sources />
      <div class="control-group middle">
        <Talking />
        <Panels />
        <Menu
          label={t.common.more}
          caption={t.common.more}
          icon="more"
          up
          head={(close) => (
            <div class="emoji-row narrow">
              <EmojiRow onDone={close} />
            </div>
          )}
          items={moreItems(() => setSettings(true))}
        />
      </div>
      <div class="control-group leave">
        <LeaveMenu onEnd={() => setEnding(true)} />
      </div>
      {settings && (
        <Dialog
          title={t.meeting.settings}
          onClose={() => setSettings(false)}
          actions={<Button onClick={() => setSettings(false)}>{t.common.done}</Button>}
        >
          <DeviceProblems />
          <DeviceChoice />
        </Dialog>
      )}
      {ending && (
        <Question
          title={t.meeting.endQuestion}
          lead={t.meeting.endLead}
          action={t.meeting.endForAll}
          onAnswer={(yes) => {
            setEnding(false);
            if (yes) void attempt((m) => m.endForAll());
          }}
        />
      )}
    </footer>
  );
}
